"""Methods from outside: a workspace's folder, and a package as an installer leaves it."""

from __future__ import annotations

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
EXAMPLE = REPOSITORY / "examples" / "norm_tuning"
METHOD = '''"""Tunes what a neighbour chooses."""
from suite.methods import SELF
from suite.training.config import Optimisation
from suite.training.requirements import optimisation_requirements

FAMILY, VERSION, TRAINS = "full", 1, True


class Config(Optimisation):
    steps: int = 2


def prerequisites(config, targets):
    return ()


def stack(config, role, targets):
    return (SELF,)


requirements = optimisation_requirements


def train(config, job):
    from suite.training.weights import train_weights

    from . import _chosen

    return train_weights(config, job, only=_chosen.chosen)
'''
CHOSEN = "def chosen(name):\n    return 'norm' in name\n"


def workspace(folder: Path, **files: str) -> Path:
    """A spec of the method `mine` beside `methods/`; returns the spec."""
    for name, text in {"mine": METHOD, "_chosen": CHOSEN, **files}.items():
        place = folder / "methods" / f"{name}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")
    spec = folder / "mine.yaml"
    spec.write_text("name: mine\ntargets: [rte]\nmethod: {name: mine, learning_rate: 1e-2}\n")
    return spec


def installed(folder: Path, name: str = "suite-norm-tuning", points: str = "norm_tuning = suite_norm_tuning") -> Path:
    """The example package as `pip install --no-deps --target` leaves it; returns the folder for `sys.path`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(EXAMPLE / "suite_norm_tuning.py", folder)
    about = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (about / "entry_points.txt").write_text(f"[suite.methods]\n{points}\n")
    return folder
