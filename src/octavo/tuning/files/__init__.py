"""Texts in files and out of them again: passages are taken out, worked on, and put back where they lay."""
