"""Answers of a model in batches: decoding, beams, caches of what prompts share. No task is known here."""
