"""Continuing a text on a CPU: llama.cpp for speed, torch as the reference."""
