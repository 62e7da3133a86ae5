"""Basics that all packages use and that use none of them: errors, hashes, YAML, words and numbers of texts."""
