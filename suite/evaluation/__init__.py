"""Evaluation: the lm-eval LM that answers for a stack, and scores and answers from lm-eval's results."""
