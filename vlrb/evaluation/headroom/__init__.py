"""From a benchmark to what can be said of routing before any router is trained."""
