"""The executors that a run can name."""

from __future__ import annotations

from typing import Final

from suite.core.errors import SuiteError, did_you_mean
from suite.execution.executor import Executor
from suite.execution.placement import workers_of
from suite.execution.processes import executor_of

LOCAL, RAY = "local", "ray"
NAMES: Final = (LOCAL, RAY)


def chosen_executor(
    name: str, workers: str | None, device: str | None, address: str | None = None, artifacts: str | None = None
) -> Executor | None:
    """The executor of this name, with the text of `--workers`; None for steps one after another in this process.

    Raises SuiteError for an unknown name, for options of another executor, and if Ray is not installed.
    """
    if name not in NAMES:
        raise SuiteError(f"no executor is named '{name}'", where="--executor", fix=did_you_mean(name, NAMES))
    if name == LOCAL:
        for option, value in (("--address", address), ("--artifacts", artifacts)):
            if value is not None:
                raise SuiteError("is an option of another executor", where=option, fix="add --executor ray")
        return executor_of(workers_of(workers or "1"), device)
    from suite.execution.ray_executor import RayExecutor

    return RayExecutor(address, workers_of(workers or "auto"), artifacts)
