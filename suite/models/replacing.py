"""Replace values of a model's parameters one by one, and restore them bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from suite.core.errors import SuiteError
from suite.models.adapted import Replaced
from suite.models.offload import away, is_large


@contextmanager
def replacing(model: nn.Module, values: Iterable[tuple[str, Tensor]]) -> Iterator[list[Replaced]]:
    """Replace parameters by these values, each before the next value is computed. On exit the old ones are back.

    The old values of a large model are away from a GPU meanwhile, so that it never holds two sets of weights. New
    values take the dtype of those they replace; tied parameters stay tied. Raises SuiteError for an unknown name or
    another shape.
    """
    parameters = dict(model.named_parameters())
    large, done = is_large(parameters), list[Replaced]()
    try:
        for name, value in values:
            if name not in parameters:
                raise SuiteError(f"the weights do not fit this model: it has no parameter '{name}'")
            parameter = parameters[name]
            if parameter.shape != value.shape:
                shapes = f"{tuple(value.shape)}, not {tuple(parameter.shape)}"
                raise SuiteError(f"the weights do not fit this model: '{name}' is {shapes}")
            before = away(parameter.data) if large else parameter.data
            done.append(Replaced(parameter, value, before))
            parameter.data = value.detach().to(device=parameter.device, dtype=parameter.dtype)
        yield done
    finally:
        for each in reversed(done):
            each.parameter.data = each.before.to(each.parameter.device)
