"""Document work: a base model learns to correct, to translate, and to answer from sources."""
