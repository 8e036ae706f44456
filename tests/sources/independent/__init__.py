"""A second reader of VLMEvalKit logs: slow, plain, written from the description of the formats, sharing no code."""
