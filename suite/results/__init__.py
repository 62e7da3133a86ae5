"""Results: the store, and records that others can check and import."""
