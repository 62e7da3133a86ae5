"""The Python interface: the commands as functions that return values (`docs/python.md`).

The command line calls these functions and prints their results; `suite` exports them.
"""
