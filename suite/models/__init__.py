"""Base models, the artifacts that are applied to them, and how these are removed again."""
