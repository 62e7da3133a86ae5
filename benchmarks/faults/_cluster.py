"""A Ray cluster of several nodes on this machine, each with a home of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from suite.execution.ray_worker import NODE_HOME

STORE_BYTES: Final = 100 * 2**20
SETTINGS: Final = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0", "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}  # fmt: skip
"""Nodes that are lost are noticed within seconds, and workers are not slower than other processes."""


def missing() -> str | None:
    """Why no cluster can run here; None if one can."""
    try:
        import ray.cluster_utils
    except ImportError as error:
        return f"no Ray here: {error}"
    del ray
    return None


class Nodes:
    """A cluster whose head runs no steps, and its other nodes, of one core each."""

    def __init__(self, folder: Path, count: int) -> None:
        from ray.cluster_utils import Cluster

        self.folder, self._started = folder, 0
        head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes: dict[str, Any] = {}
        """Folder of the node's homes -> node."""
        for _ in range(count):
            self.add()

    @classmethod
    @contextmanager
    def started(cls, folder: Path, count: int) -> Iterator[Nodes]:
        """A new cluster, which is gone on exit."""
        before = {name: os.environ.get(name) for name in SETTINGS}
        os.environ.update(SETTINGS)
        handler = signal.getsignal(signal.SIGTERM)
        try:
            nodes = cls(folder, count)
            signal.signal(signal.SIGTERM, handler)  # Ray's own would end this process
            try:
                yield nodes
            finally:
                nodes._cluster.shutdown()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    @property
    def address(self) -> str:
        """The address of the cluster."""
        return str(self._cluster.address)

    def add(self) -> None:
        """Add a node."""
        self._started += 1
        home = self.folder / f"node{self._started}"
        home.mkdir(parents=True)
        environment = {NODE_HOME: str(home)}
        self.nodes[str(home)] = self._cluster.add_node(
            num_cpus=1, object_store_memory=STORE_BYTES, env_vars=environment
        )

    def lose(self, home: str) -> None:
        """Kill a node, with all its processes, as a loss of power would."""
        self._cluster.remove_node(self.nodes.pop(home), allow_graceful=False)
