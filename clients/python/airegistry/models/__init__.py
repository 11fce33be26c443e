"""Finding models and asking them, in one line each."""
