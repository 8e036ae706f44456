"""Trainable networks that read prompts and pictures together."""
