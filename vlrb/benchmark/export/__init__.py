"""Benchmarks in other layouts: one file per format in `formats`, found by its name."""
