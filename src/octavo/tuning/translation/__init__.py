"""Translation between the eight languages, paragraph by paragraph."""
