"""The report: the figures of an evaluation in words, tables, plots and a page."""
