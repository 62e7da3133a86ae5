"""The Python interface: what the commands do, as functions that return values (`docs/python.md`).

The command line calls these functions and prints what they return; `suite` exports them.
"""
