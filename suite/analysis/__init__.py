"""What stored results say: boards of rows, with ranks, changes and intervals."""
