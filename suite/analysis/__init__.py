"""The analysis of stored results: boards of rows, with ranks, changes and intervals."""
