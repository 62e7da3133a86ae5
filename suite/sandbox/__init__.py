"""Sandboxes in which generated programs run and are judged without being able to do harm."""
