"""GGUF files, written and read."""
