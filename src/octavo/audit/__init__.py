"""The audit: every claim of a release, recomputed from the run's own files."""
