"""Tasks: read their YAML, find their rows, and make lm-eval's task objects from them."""
