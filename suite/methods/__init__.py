"""The registry of methods: the modules of this folder, entry points of installed packages, and files of a workspace.

A method is one module; no other code names it. `docs/methods.md` shows how to add one.
"""

from __future__ import annotations

from suite.methods._protocol import SELF, Dispatch, Family, Method, OwnPart, Part, Prerequisite
from suite.methods._registry import MethodRegistry, get, names

__all__ = ["SELF", "Dispatch", "Family", "Method", "MethodRegistry", "OwnPart", "Part", "Prerequisite", "get", "names"]
