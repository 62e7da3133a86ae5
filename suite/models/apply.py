"""Apply artifacts to the base model while a task is answered, and remove them bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from suite.core.errors import SuiteError
from suite.models.adapted import AdaptedModel, AppliedPart
from suite.models.artifacts import Artifact
from suite.models.backbone import Backbone


@contextmanager
def applied(backbone: Backbone, artifacts: Sequence[Artifact]) -> Iterator[AdaptedModel]:
    """Apply artifacts to the backbone, except neutral ones. On exit the base model is restored bit for bit.

    Parts are applied in the order of their kinds (`Artifact.order`), those of equal order in the given order. Raises
    SuiteError if an artifact does not fit the model or two artifacts are of one kind.
    """
    artifacts = [artifact for artifact in artifacts if not artifact.neutral]
    parts = [(artifact.hash, part) for artifact in artifacts for part in artifact.pieces]
    kinds = [part.kind for _, part in parts]
    if len(set(kinds)) < len(kinds):
        raise SuiteError(f"a stack takes one artifact of a kind; this one has {', '.join(kinds)}")
    in_model = [each.hash for each in artifacts if not all(part.only_before_text for part in each.pieces)]
    current = AdaptedModel(
        backbone, backbone.model, artifacts=tuple(each.hash for each in artifacts), in_model=tuple(in_model)
    )
    with ExitStack() as undo:
        for artifact, part in sorted(parts, key=lambda each: each[1].order):
            after = undo.enter_context(part.apply(current))
            own = AppliedPart(artifact, part, after.replaced[len(current.replaced) :])
            current = replace(after, applied=(*current.applied, own))
        undo.callback(backbone.model.train, backbone.model.training)
        backbone.model.eval()
        yield current
