"""The disk that a plan needs, what is free, and what the user allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from suite.core.disk import DiskSpace, bytes_in
from suite.core.errors import SuiteError
from suite.core.quantities import size
from suite.core.run_dir import RunDir
from suite.planning import Plan
from suite.planning.retention import DiskUse, disk_use
from suite.specs.blocks import KeepArtifacts


@dataclass(frozen=True)
class DiskEstimate:
    """The disk that the steps to be done need, one after the other, and what is free. Answers are not counted."""

    artifacts: int
    """Bytes that stay, as `budget.keep_artifacts` says."""
    checkpoints: int
    """Bytes of the largest checkpoints, which go when their step is done."""
    free: int
    models_here: bool = True
    """Whether all models were here, so that the sizes of what is trained are known."""
    factors: int = 0
    """Bytes of cached SVD factors, which stay."""
    peak: int = 0
    """Bytes of all together, when they are most."""
    used: int = 0
    """Bytes that the home has now; 0 without a limit."""
    limit: int | None = None
    """Bytes that the home may hold: the least `budget.max_disk` of the experiments, and `--max-disk`."""
    limit_name: str = ""
    """Which of the two it is."""
    remedies: tuple[str, ...] = ()
    """What makes the plan smaller, each with the peak in bytes as text, if it is over the limit."""

    @property
    def fits(self) -> bool:
        """Whether the free disk has room for all."""
        return self.peak <= self.free

    def require(self) -> None:
        """Raises SuiteError, in one line with what would help, if the plan needs more than the limit."""
        if self.limit is None or not self.peak or not self.models_here or self.used + self.peak <= self.limit:
            return
        more = f"{size(self.used)} are used, and it writes {size(self.peak)} more"
        what = f"{size(self.limit)} do not hold the plan: {more}"
        named = f"{size(self.checkpoints)} of checkpoints, {size(self.factors)} of SVD factors"
        what = f"{what} at its peak ({named}, {size(self.artifacts)} of artifacts stay)"
        fix = ", or ".join(["raise it", "free some with `suite gc`", *self.remedies])
        raise SuiteError(what, where=self.limit_name, fix=fix)


def disk_estimate(
    plan: Plan, todo: Collection[str], home: RunDir, max_disk: int | None, keep: KeepArtifacts | None = None
) -> DiskEstimate:
    """The disk for the steps `todo`. `max_disk` is a limit besides those of the plan's tracks, in bytes.

    `keep` takes the place of each track's `budget.keep_artifacts`.
    """
    models = {str(step.key["model"]["identity"]) for step in plan.steps if step.id in todo and step.estimate.factors}
    cached = {model: bytes_in(home.factors_of(model)) for model in models}
    use = disk_use(plan, todo, cached, keep)
    budgets = [planned.experiment.track.budget.max_disk_bytes for planned in plan.experiments]
    limits = [(limit, "budget.max_disk") for limit in budgets if limit is not None]
    limits += [] if max_disk is None else [(max_disk, "--max-disk")]
    limit, name = min(limits, default=(None, ""))
    used = 0 if limit is None else bytes_in(home.folder)
    remedies: tuple[str, ...] = ()
    if limit is not None and used + use.peak > limit:
        remedies = tuple(_remedies(plan, todo, cached, use))
    here = all(step.estimate.model_here for step in plan.steps if step.id in todo)
    free = DiskSpace(home.folder).free
    return DiskEstimate(
        use.artifacts, use.checkpoints, free, here, use.factors, use.peak, used, limit, name, remedies
    )  # fmt: skip


def _remedies(plan: Plan, todo: Collection[str], cached: dict[str, int], use: DiskUse) -> Iterator[str]:
    """Settings that make the peak smaller, with the peak that is left."""
    policies: tuple[KeepArtifacts, ...] = ("best", "none")
    for keep in policies:
        smaller = disk_use(plan, todo, cached, keep)
        if smaller.peak < use.peak:
            yield f"set budget.keep_artifacts: {keep} ({size(smaller.peak)} at its peak)"
    without = disk_use(plan, todo, cached, checkpoints=False)
    if without.peak < use.peak:
        yield f"set budget.checkpoint_minutes: null ({size(without.peak)})"
