"""Nanotron's settings, read into a recipe and written from one."""
