"""Reader of VLMEvalKit work folders, and of the layout that VL-RouterBench publishes them in."""
