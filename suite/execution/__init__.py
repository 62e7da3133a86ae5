"""Executing plans: claim, do, record; resume, retry, and share the work between processes."""
