"""Passages of documents that have the words of a question, by BM25 on disk."""
