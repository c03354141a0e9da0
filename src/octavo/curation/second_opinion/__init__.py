"""A larger classifier of harmful text that is asked about what the first one would take out."""
