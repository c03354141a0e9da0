"""The recipe: every setting of a run, in one file."""
