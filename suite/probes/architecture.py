"""Find which part of a model each module is by tracing its computation, for any architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from torch import nn

from suite.core.curves import OfPart, Part
from suite.probes.tracing import AttentionCall, acts_by_position, attention_calls, normalises


@dataclass(frozen=True, eq=False)
class Architecture:
    """A model's modules, their parts, and the lists of layers that contain them."""

    paths: Mapping[nn.Module, str]
    stacks: Mapping[str, int]
    """Path of each list of layers -> number of layers before it."""
    parts: Mapping[nn.Module, Part]
    """Modules whose part is clear: matrices of attention, position-wise modules, norms, embeddings and the head."""

    def part_of(self, module: nn.Module) -> OfPart | None:
        """The part and layer of a module; None if it is not clear."""
        part = self.parts.get(module)
        return None if part is None else OfPart(part, self.layer_of(module))

    def layer_of(self, module: nn.Module) -> int | None:
        """The layer of a module; a decoder's layers follow those of its encoder. None outside of layers."""
        layer = _layer(self.paths[module], self.stacks)
        return None if layer is None else self.stacks[layer[0]] + layer[1]


def architecture_of(model: nn.Module) -> Architecture:
    """Find the parts of a model by a few calls on a few tokens, which do not change it."""
    paths = {module: path for path, module in model.named_modules()}
    sizes = {module: max((each.ndim for each in _weights(module)), default=0) for module in paths}
    embeddings = [module for module in paths if isinstance(module, nn.Embedding)]
    head = getattr(model, "get_output_embeddings", lambda: None)()
    matrices = [each for each, size in sizes.items() if size > 1 and each not in embeddings]
    norms = normalises(model, [each for each, size in sizes.items() if size == 1])
    calls = attention_calls(model, matrices)
    stacks = _stacks(paths, [*norms, *(each for call in calls for each in call.around)])
    named: tuple[tuple[Part, Iterable[nn.Module | None]], ...] = (
        ("head", [head]), ("embedding", embeddings), ("norm", norms),
    )  # fmt: skip
    parts: dict[nn.Module, Part] = {each: part for part, group in named for each in group if each is not None}
    parts |= _attention(calls, paths)
    rest = [each for each in matrices if each not in parts]
    units = _units(rest, paths, stacks, calls)
    alone = acts_by_position(model, list(dict.fromkeys(units.values())))
    parts |= {module: "mlp" for module, unit in units.items() if unit in alone}
    return Architecture(paths, stacks, parts)


def _weights(module: nn.Module) -> list[nn.Parameter]:
    """A module's own parameters, and a matrix that is recomputed at each call (an attribute)."""
    made = vars(module).get("weight")
    return [*module.parameters(recurse=False), *([made] if made is not None else [])]


def _stacks(paths: Mapping[nn.Module, str], inside: Iterable[nn.Module]) -> dict[str, int]:
    """The outermost module lists that contain some modules, in order, with the number of layers before each."""
    lists = {path: len(module) for module, path in paths.items() if isinstance(module, nn.ModuleList)}
    outermost = [path for path in lists if not any(path.startswith(f"{other}.") for other in lists)]
    held = [paths[each] for each in inside]
    used = [path for path in outermost if any(each.startswith(f"{path}.") for each in held)]
    before = accumulate((lists[path] for path in used), initial=0)
    return dict(zip(used, before, strict=False))


def _layer(path: str, stacks: Iterable[str]) -> tuple[str, int] | None:
    for stack in stacks:
        if path.startswith(f"{stack}."):
            return stack, int(path.removeprefix(f"{stack}.").partition(".")[0])
    return None


def _attention(calls: Sequence[AttentionCall], paths: Mapping[nn.Module, str]) -> dict[nn.Module, Part]:
    """Matrices of attention that have the same role in every call."""
    roles: dict[nn.Module, set[Part | None]] = {}
    for call in calls:
        groups: dict[Part, tuple[nn.Module, ...]] = {
            "query": call.queries, "key": call.keys, "value": call.values, "output": call.outputs,
        }  # fmt: skip
        for part, modules in groups.items():
            others = [each for other, members in groups.items() if other != part for each in members]
            for module in modules:
                roles.setdefault(module, set()).add(part if _apart(modules, others, paths) else None)
    clear = {module: next(iter(parts)) for module, parts in roles.items() if len(parts) == 1}
    return {module: part for module, part in clear.items() if part is not None}


def _apart(modules: Sequence[nn.Module], others: Sequence[nn.Module], paths: Mapping[nn.Module, str]) -> bool:
    """Whether some modules are a single one, or one with its adapter, and separate from `others`."""
    common = _common([paths[each] for each in modules])
    return not any(f"{paths[each]}.".startswith(f"{common}.") for each in others)


def _units(
    matrices: Sequence[nn.Module], paths: Mapping[nn.Module, str], stacks: Mapping[str, int],
    calls: Sequence[AttentionCall],
) -> dict[nn.Module, nn.Module]:  # fmt: skip
    """Matrix of a layer outside of attention -> the largest module that contains it and no attention."""
    modules = {path: module for module, path in paths.items()}
    around = [_common([paths[each] for each in call.around]) for call in calls if call.around]
    with_attention = {_layer(path, stacks) for path in around}
    units: dict[nn.Module, nn.Module] = {}
    for matrix in matrices:
        path, layer = paths[matrix], _layer(paths[matrix], stacks)
        if layer is None or any(f"{path}.".startswith(f"{each}.") for each in around):
            continue
        names, depth = path.split("."), len(layer[0].split(".")) + 1
        above = (".".join(names[:end]) for end in range(depth + 1, len(names) + 1))
        unit = next((each for each in above if not any(f"{one}.".startswith(f"{each}.") for one in around)), None)
        # a single matrix acts on each position, but may still be a part of what mixes positions
        if unit is not None and (layer in with_attention or unit != path):
            units[matrix] = modules[unit]
    return units


def _common(paths: Sequence[str]) -> str:
    """The path of the smallest module that contains all of them."""
    names = zip(*(path.split(".") for path in paths), strict=False)
    return ".".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, names))
