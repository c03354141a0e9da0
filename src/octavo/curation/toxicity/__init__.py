"""Harmful text: a classifier of our own, what is decided by it, and its report."""
