"""Figures on text that no training step has seen."""
