"""Token counts: tokenizers, picture-token rules and the counter that applies them to a benchmark."""
