"""Batched decoding: greedy, sampling, beam search, and caches of prompts' shared prefixes. Independent of tasks."""
