"""From a model back to its documents."""
