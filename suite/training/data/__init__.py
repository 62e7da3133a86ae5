"""Training data: examples as tokens, exemplars before them, and batches in a fixed order."""
