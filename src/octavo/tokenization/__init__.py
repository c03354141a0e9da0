"""The tokenizer and the token files."""
