"""Specs and tracks: YAML in, immutable experiments out."""

from suite.specs.blocks import Spec, Track
from suite.specs.experiment import Experiment
from suite.specs.load import Options, load
from suite.specs.workspace import Workspace, shipped, shown

__all__ = ["Experiment", "Options", "Spec", "Track", "Workspace", "load", "shipped", "shown"]
