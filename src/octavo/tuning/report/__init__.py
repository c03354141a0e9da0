"""The report of a tune: its figures before and after, its verdicts, samples."""
