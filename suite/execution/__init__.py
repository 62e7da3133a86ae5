"""Executes plans: claims, runs and records steps; resumes, retries, and shares the work between processes."""
