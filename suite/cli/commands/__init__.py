"""Implementations of the commands, without their arguments."""
