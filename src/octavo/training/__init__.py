"""The pretraining: data order, loop, optimizer, checkpoints, and what a run costs."""
