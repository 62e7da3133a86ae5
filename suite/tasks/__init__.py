"""Tasks: reading their YAML, finding their rows, and making lm-eval's task objects of them."""
