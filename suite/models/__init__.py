"""Base models, what is put on top of them, and how it is taken off again."""
