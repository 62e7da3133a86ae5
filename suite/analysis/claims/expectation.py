"""Parses comparisons of stored quantities, such as `target(a) - target(b) > 0`."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from suite.core.errors import did_you_mean

Relation = Literal["<", "<=", ">", ">="]
RELATIONS: Final[Mapping[Relation, Callable[[float, float], bool]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_RELATIONS: Final[Mapping[type[ast.cmpop], Relation]] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
QUANTITIES: Final = {
    # name of a quantity -> arguments that may follow the experiment's name
    "norm_avg": ("shots",),
    "change": ("shots",),
    "target": ("role",),
    "score": ("role", "shots"),
    "format_ratio": (),
    "seconds": (),
    "parameters": (),
    "curve": ("curve", "step"),
}


POINTS: Final = ("norm_avg", "change", "target", "score")
"""Quantities that are means of documents' scores; they may be added to each other."""


@dataclass(frozen=True)
class Quantity:
    """A quantity of an experiment's row, such as `score(svf_math, math_hard, 0)`."""

    name: str
    experiment: str
    role: str | None = None
    shots: int | None = None
    curve: str | None = None
    """The name of a curve during training (`"loss"`, `"cosine:mlp"`)."""
    step: int | None = None
    """The training step; None: the last one."""


@dataclass(frozen=True)
class Expectation:
    """`Σ sign · quantity  relation  bound`."""

    terms: tuple[tuple[int, Quantity], ...]
    relation: Relation
    bound: float

    @property
    def in_points(self) -> bool:
        """Whether its quantities are points: scores, averages, changes and ratios, but no costs and no curves."""
        return all(quantity.name in (*POINTS, "format_ratio") for _, quantity in self.terms)

    def holds(self, value: float) -> bool:
        """Whether the comparison is true for this value of the sum."""
        return RELATIONS[self.relation](value, self.bound)

    def by_at_least(self, effect: float) -> Expectation:
        """The same comparison with a bound that lies so far on the claimed side."""
        return replace(self, bound=self.bound + (effect if self.relation.startswith(">") else -effect))


def parse_expectation(text: str) -> Expectation:
    """The comparison in a text. Raises ValueError if it is not one, with the reason."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"'{text}' is no comparison ({error.msg}); write `target(a) - target(b) > 0`") from None
    if not isinstance(tree, ast.Compare) or len(tree.ops) != 1 or type(tree.ops[0]) not in _RELATIONS:
        raise ValueError(f"'{text}' is no comparison by one of < <= > >=")
    terms = tuple(_terms(tree.left, 1))
    if not terms:
        raise ValueError(f"'{text}' compares no quantity")
    kinds = list(dict.fromkeys("points" if quantity.name in POINTS else quantity.name for _, quantity in terms))
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(kinds)} do not add up")
    return Expectation(terms, _RELATIONS[type(tree.ops[0])], _number(tree.comparators[0]))


def _terms(node: ast.expr, sign: int) -> list[tuple[int, Quantity]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        other = sign if isinstance(node.op, ast.Add) else -sign
        return [*_terms(node.left, sign), *_terms(node.right, other)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return [(sign, _quantity(node.func.id, node.args))]
    raise ValueError(f"'{ast.unparse(node)}' is no quantity; known: {', '.join(QUANTITIES)}")


def _quantity(name: str, arguments: list[ast.expr]) -> Quantity:
    if name not in QUANTITIES:
        raise ValueError(f"there is no quantity '{name}'; {did_you_mean(name, QUANTITIES)}")
    allowed = QUANTITIES[name]
    if not arguments or not isinstance(arguments[0], ast.Name) or len(arguments) > 1 + len(allowed):
        optional = "".join(f"[, {kind}]" for kind in allowed)
        raise ValueError(f"{name} is asked of an experiment: {name}(NAME{optional})")
    arguments_by_kind: dict[str, Any] = {}
    for kind, node in zip(allowed, arguments[1:], strict=False):
        if kind == "role" and isinstance(node, ast.Name):
            arguments_by_kind["role"] = node.id
        elif kind == "role" and isinstance(node, ast.Constant) and isinstance(node.value, str):
            arguments_by_kind["role"] = node.value  # a name that is not a Python name: "lm_eval:arc_easy"
        elif kind in ("shots", "step") and isinstance(node, ast.Constant) and type(node.value) is int:
            arguments_by_kind[kind] = node.value
        elif kind == "curve" and isinstance(node, ast.Constant) and isinstance(node.value, str):
            arguments_by_kind["curve"] = node.value
        else:
            raise ValueError(f"'{ast.unparse(node)}' is no {kind} of {name}")
    if name == "curve" and "curve" not in arguments_by_kind:
        raise ValueError('curve is asked of an experiment\'s training: curve(NAME, "loss"[, step])')
    return Quantity(name, arguments[0].id, **arguments_by_kind)


def _number(node: ast.expr) -> float:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        value = None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"'{ast.unparse(node)}' is no number to compare with")
    return float(value)
