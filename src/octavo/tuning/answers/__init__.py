"""Answers with sources: quotations that stand in a document, or none."""
