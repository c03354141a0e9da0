"""Recall: which steps and releases saw a document."""
