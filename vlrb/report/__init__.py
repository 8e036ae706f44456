"""From run folders to tables, plots and pages. Evaluation never renders; rendering never decides."""
