"""From decisions to figures: decision tables, headline metrics with intervals, throughput, and reading run folders."""
