"""Judges programs from outside: tests run in an interpreter of their own, and the program answers their calls."""

from suite.sandbox.judging.parts import Program, parted
from suite.sandbox.judging.run import Outcome, run_program, run_programs

__all__ = ["Outcome", "Program", "parted", "run_program", "run_programs"]
