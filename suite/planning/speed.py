"""The speed of a model on a class of devices: as steps measured it there, or assumed until they have."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError

from suite import methods
from suite.core.devices import CPU, CUDA
from suite.models.source import LocatedModel
from suite.planning.memory import ModelMemory
from suite.training.requirements import CandidateSearch, Requirements

ROUND_SECONDS: Final = 0.03
"""Fixed seconds of a round of answers, whatever their number."""
ROUND_TOKENS: Final = 16384
"""Tokens of prompts and answers in a round."""
WRITTEN: Final = 32
"""Tokens of an answer that a round writes one after the other, about."""
BYTES: Final = {"float32": 4, "bf16": 2}


@dataclass(frozen=True)
class DeviceSpeed:
    """What a class of devices is assumed to reach, in operations and bytes a second, where no step was measured.

    For a machine that is not here, give its class and what a product of large matrices reaches there:
    `DeviceSpeed("NVIDIA H100 80GB HBM3", {"float32": 3e13, "bf16": 4e14}, bandwidth=2.5e12)`. Rates that a store has of
    steps on that class come first.
    """

    name: str
    """The class: `cpu`, or a GPU's model as torch names it. Measured rates of this class alone are used."""
    arithmetic: Mapping[str, float]
    """Precision (`float32`, `bf16`) -> operations a second of passes through a model."""
    bandwidth: float = math.inf
    """Bytes a second at which weights are read for a token of an answer; infinity: writing is as fast as reading."""
    products: float | None = None
    """Operations a second of products of large matrices in float32; None: as `arithmetic` has it."""

    def seconds(self, operations: float, precision: str) -> float:
        """Seconds of passes through a model."""
        return operations / self.arithmetic[precision]

    def product_seconds(self, operations: float) -> float:
        """Seconds of products of large matrices."""
        return operations / (self.products or self.arithmetic["float32"])


CPU_CORE: Final = DeviceSpeed(CPU, {"float32": 8e10, "bf16": 8e10}, products=1.2e11)
"""What a core gives in float32 (docs/performance.md)."""
GPU: Final = DeviceSpeed("", {"float32": 1e13, "bf16": 1e14}, bandwidth=1e12)
"""About what half of an A100's peak gives; a guess that no measurement of suite stands behind."""


def assumed(name: str) -> DeviceSpeed:
    """The assumed speed of a class of devices that is not described: a core, or a large GPU."""
    return CPU_CORE if name == CPU else DeviceSpeed(name, GPU.arithmetic, GPU.bandwidth)


@dataclass(frozen=True)
class Speed:
    """The speed of a model on a class of devices, from measurements or from its size."""

    parameters: int
    rates: Mapping[str, float] = field(default_factory=dict)
    """Kind of step (`sort_of`) -> tokens per second, measured on this class of devices."""
    sizes: ModelMemory | None = None
    """Of the model, where they are known."""
    device: DeviceSpeed = CPU_CORE
    dtype: str = "float32"
    """Of the base's weights."""

    @classmethod
    def of(cls, model: LocatedModel, rates: Mapping[tuple[str, str], float], device: DeviceSpeed = CPU_CORE) -> Speed:
        """That of a model that was found; `rates` are of all models, by identity and kind of step, on this device."""
        own = {sort: rate for (name, sort), rate in rates.items() if name == model.identity}
        return cls(model.parameters, own, ModelMemory.of(model), device, model.source.dtype)

    @property
    def memory(self) -> ModelMemory:
        """What a step's memory follows from."""
        return self.sizes or ModelMemory.of_parameters(self.parameters)

    @property
    def precision(self) -> str:
        """In which the base answers."""
        return "bf16" if self.dtype == "bfloat16" else "float32"

    def measured(self, sort: str, tokens: float) -> float | None:
        """Seconds at the rate of earlier steps of this kind, with all their overhead; None without a rate.

        Without a rate of exactly this kind, the mean of those that are nearest to it: of other methods in the same
        precision, then in another one. Kinds with another first word are never taken.
        """
        rate = self.rates.get(sort) or self._near(sort)
        return tokens / rate if rate else None

    def _near(self, sort: str) -> float | None:
        first, ends = sort.split()[0], sort.endswith(AUTOCAST)
        alike = {name: rate for name, rate in self.rates.items() if name.split()[0] == first}
        same = [rate for name, rate in alike.items() if name.endswith(AUTOCAST) == ends]
        nearest = same or list(alike.values())
        return statistics.harmonic_mean(nearest) if nearest else None

    def answering(self, tokens: float, rounds: int = 0) -> float:
        """Seconds for tokens that are read or written once, in `rounds` rounds."""
        seconds = self.measured("evaluate", tokens)
        if seconds is None:
            seconds = self.device.seconds(tokens * 2 * self.parameters, self.precision)
            steps = WRITTEN * max(rounds, math.ceil(tokens / ROUND_TOKENS))
            seconds += steps * self.parameters * BYTES[self.precision] / self.device.bandwidth
        return seconds + rounds * ROUND_SECONDS

    def learning(self, tokens: float, precision: str | None = None) -> float:
        """Seconds for training on this number of tokens: three times the arithmetic of one forward pass."""
        measured = self.measured("train", tokens)
        operations = tokens * 6 * self.parameters
        return self.device.seconds(operations, precision or self.precision) if measured is None else measured

    def sums(self, count: float) -> float:
        """Seconds for `count` sums of two sets of all weights."""
        return self.device.seconds(count * 2 * self.parameters, "float32")

    def products(self, count: float) -> float:
        """Seconds for `count` products of every matrix with one of its factors; a decomposition costs about thirty."""
        width = 1.6 * math.pow(self.parameters, 1 / 3)  # 200 at 2 million parameters, about 3,000 at 8 billion
        return self.device.product_seconds(count * width * 2 * self.parameters)


AUTOCAST: Final = " in bf16"
"""The end of the kind of a step that trains by autocast."""


def sort_of(kind: str, key: Mapping[str, Any]) -> str:
    """The kind of a step for its rate, whose first word says what is done: `evaluate`, `train full`, `train adapter`,
    `reinforce singular in bf16`, `adapt`: an evaluation, training on right answers or by reward, by what is trained
    and how it computes, or the search of a mixture."""
    autocast = AUTOCAST if (key.get("budget") or {}).get("precision") == "bf16" else ""
    if "source" in key:  # code from outside is not run for an estimate
        return f"train {key['method']['name']}{autocast}"
    method = key.get("method") or {}
    needs = _requirements(json.dumps(method))
    if needs is None:
        return kind if kind == "evaluate" else f"{kind}{autocast}"
    if isinstance(needs.cost, CandidateSearch):
        return "adapt"
    return f"{'reinforce' if needs.reward else kind} {methods.get(method['name']).FAMILY}{autocast}"


@lru_cache(maxsize=1024)
def _requirements(stored: str) -> Requirements | None:
    """The requirements of a method with the settings of a step's key; None if the settings are another version's."""
    settings = json.loads(stored)
    name = settings.pop("name", None)
    settings.pop("version", None)
    if name not in methods.names():
        return None
    method = methods.get(name)
    try:
        return method.requirements(method.Config.model_validate_json(json.dumps(settings)))
    except ValidationError:
        return None


Rates = Mapping[tuple[str, str], float]
"""(model identity, kind of step) -> tokens per second, on one class of devices."""


def rates_on(device: str, measured: Mapping[tuple[str | None, str], float]) -> dict[str, float]:
    """Kind of step -> tokens per second on a class of devices, of rates by (class, kind) that a store has.

    Older stores name no model of a GPU: their rates hold for every GPU without a rate of its own.
    """
    unnamed = () if device == CPU else (CUDA,)
    older = {sort: rate for (name, sort), rate in measured.items() if name in (None, *unnamed)}
    return {**older, **{sort: rate for (name, sort), rate in measured.items() if name == device}}
