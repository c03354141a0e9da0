"""The index: a sparse suffix array of the words of a run's documents."""
