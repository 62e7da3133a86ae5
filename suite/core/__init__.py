"""What all rooms stand on and what stands on none: errors, hashes, YAML, words and numbers of texts."""
