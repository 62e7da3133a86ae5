"""The build: which files the site has, which of them an older site already has, and how they are written."""
