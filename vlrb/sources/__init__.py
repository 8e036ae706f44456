"""Readers of raw evaluation logs: each turns a folder into samples and records."""
