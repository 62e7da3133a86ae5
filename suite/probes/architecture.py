"""The part of a model that each of its modules is, found by how the model computes, for any architecture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from torch import nn

from suite.core.curves import OfPart, Part
from suite.probes.tracing import AttentionCall, acts_by_position, attention_calls, normalises


@dataclass(frozen=True, eq=False)
class Architecture:
    """The modules of a model, and the lists of layers that they are in."""

    paths: Mapping[nn.Module, str]
    stacks: Mapping[str, int]
    """The path of each list of layers, and how many layers come before it."""
    parts: Mapping[nn.Module, Part]
    """Those that are clear: the matrices of attention, what acts by position, norms, embeddings and the head."""

    def part_of(self, module: nn.Module) -> OfPart | None:
        """The part that a module is, and its layer; None where it is not clear."""
        part = self.parts.get(module)
        return None if part is None else OfPart(part, self.layer_of(module))

    def layer_of(self, module: nn.Module) -> int | None:
        """The layer that a module is in, those of a decoder counted after those of its encoder."""
        layer = _layer(self.paths[module], self.stacks)
        return None if layer is None else self.stacks[layer[0]] + layer[1]


def architecture_of(model: nn.Module) -> Architecture:
    """Find the parts of a model, by a few calls on a few tokens that leave it as it is."""
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
    """A module's own; a matrix that is made anew at each call is an attribute of it."""
    made = vars(module).get("weight")
    return [*module.parameters(recurse=False), *([made] if made is not None else [])]


def _stacks(paths: Mapping[nn.Module, str], inside: Iterable[nn.Module]) -> dict[str, int]:
    """The outermost lists of modules that hold some others, in order, with the number of layers before them."""
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
    """The matrices of attention that are one thing in every call."""
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
    """Whether some modules are a single one, or one with its adapter, and have nothing to do with others."""
    common = _common([paths[each] for each in modules])
    return not any(f"{paths[each]}.".startswith(f"{common}.") for each in others)


def _units(
    matrices: Sequence[nn.Module], paths: Mapping[nn.Module, str], stacks: Mapping[str, int],
    calls: Sequence[AttentionCall],
) -> dict[nn.Module, nn.Module]:  # fmt: skip
    """What each matrix of a layer that is none of attention's belongs to: the largest module without attention."""
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
        # a matrix by itself acts on each position, and may all the same be a piece of what mixes them
        if unit is not None and (layer in with_attention or unit != path):
            units[matrix] = modules[unit]
    return units


def _common(paths: Sequence[str]) -> str:
    """The path of the smallest module that has all of some."""
    names = zip(*(path.split(".") for path in paths), strict=False)
    return ".".join(each[0] for each in takewhile(lambda each: len(set(each)) == 1, names))
