"""The form in which all pages show values: numbers, cells, badges, untrusted text, URLs."""
