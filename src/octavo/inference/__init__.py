"""Continuing a text on a CPU, llama.cpp for speed and torch as the reference; and serving that to many."""
