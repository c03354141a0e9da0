"""Which documents stay, and why the others go: one file a rule, composed by pipeline.py."""
