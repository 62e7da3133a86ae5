"""What training reads: examples as tokens, exemplars before them, and batches in a fixed order."""
