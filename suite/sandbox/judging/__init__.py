"""Judge programs from outside: tests run in a separate interpreter, and the program answers their calls."""

from suite.sandbox.judging.parts import Program, parted
from suite.sandbox.judging.run import ProgramOutcome, run_program, run_programs

__all__ = ["Program", "ProgramOutcome", "parted", "run_program", "run_programs"]
