"""Simulates steps on tensors without values: the same code with the same shapes, to predict their memory."""
