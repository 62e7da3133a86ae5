"""The micro world: a small synthetic language, its data sets, and two base models pretrained on it.

This package does not import the rest of `suite`, which only uses its data files and its folders in Hugging Face format.
"""
