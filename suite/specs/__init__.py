"""Read specs and tracks from YAML and resolve them to immutable experiments."""

from suite.specs.blocks import Spec, Track
from suite.specs.experiment import Experiment
from suite.specs.load import Options, load
from suite.specs.workspace import Workspace, shipped, shown

__all__ = ["Experiment", "Options", "Spec", "Track", "Workspace", "load", "shipped", "shown"]
