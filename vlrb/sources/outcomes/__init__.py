"""Outcomes tables: one table, long or wide, of what each model scored and cost on each sample."""
