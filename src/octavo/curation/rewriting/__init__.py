"""Rewriting: a model is asked to write mildly harmful passages anew, and its answers are checked."""
