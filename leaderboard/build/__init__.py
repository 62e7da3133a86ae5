"""The build: which files the site has, what an older site has of them already, and how all are written."""
