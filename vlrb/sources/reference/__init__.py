"""The files that the VL-RouterBench code writes: BENCHMARKS, ORACLE, SPLITS, data/matrices, data/registry."""
