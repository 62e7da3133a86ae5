"""The micro world: a small synthetic language, its data sets, and two base models pretrained on it.

This package imports nothing else of `suite`: the rest sees only data files and folders in Hugging Face format.
"""
