"""SciPy's special functions. SciPy is imported when the first one is called: it takes longer than many a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _when_called(name: str) -> Callable[..., Any]:
    def function(*arguments: Any) -> Any:
        from scipy import special

        return getattr(special, name)(*arguments)

    return function


bdtr = _when_called("bdtr")
betaincinv = _when_called("betaincinv")
expit = _when_called("expit")
gammaln = _when_called("gammaln")
logit = _when_called("logit")
ndtr = _when_called("ndtr")
stdtr = _when_called("stdtr")
stdtrit = _when_called("stdtrit")
