"""The micro world, second edition: its facts, its data sets, and the base models that are pretrained on it.

Nothing here is imported when a benchmark runs: the rows and the weights are files in `data` and `models`.
"""
