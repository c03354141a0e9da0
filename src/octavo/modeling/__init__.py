"""The model alone: the Llama architecture, its initial weights, and its file formats."""
