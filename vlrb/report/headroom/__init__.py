"""The headroom report: words, tables, plots and page, all pure functions of `headroom.json`."""
