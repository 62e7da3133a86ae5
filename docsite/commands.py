"""The commands with their arguments and options, as the command line itself has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import typer

from docsite.markdown import code, plain, table, target
from suite.cli.entry import app


@cache
def group() -> Any:
    """The command `suite`."""
    return typer.main.get_command(app)


def commands() -> Mapping[str, Any]:
    """Every command by its name, in the order of `suite --help`."""
    found: dict[str, Any] = group().commands
    return {name: each for name, each in found.items() if not each.hidden}


def page() -> str:
    """All commands as Markdown."""
    parts = ["# Commands", f"{group().help}", _parameters("suite", group())]
    parts.append(
        "A command prints its results to standard output, and notes and errors to standard error. "
        "[Exit codes](../faults.md#exit-codes) say how it ended. A variable of the environment (`SUITE_…`) "
        "stands for an option that is not given."
    )
    parts.append(table(("command", "what it does"), [(f"[`suite {name}`](#suite-{name})", _short(each))
                                                    for name, each in commands().items()]))  # fmt: skip
    return "\n\n".join([*parts, *map(_command, commands(), commands().values())])


def _short(command: Any) -> str:
    return plain(str(command.help).split("\n\n")[0])


def _command(name: str, command: Any) -> str:
    usage = " ".join(["suite", name, *_arguments(command), "[OPTIONS]"])
    return (
        f"## suite {name}\n\n{plain(command.help)}\n\n```text\n{usage}\n```\n\n{_parameters(f'suite-{name}', command)}"
    )


def _arguments(command: Any) -> Iterator[str]:
    for each in command.params:
        if not is_option(each):
            name = _shown(each) + ("..." if each.nargs == -1 else "")
            yield name if each.required else f"[{name}]"


def is_option(parameter: Any) -> bool:
    """Whether it is an option, not an argument."""
    return str(parameter.opts[0]).startswith("-")


def _parameters(place: str, command: Any) -> str:
    context = typer.Context(command)
    rows = [_row(place, each, context) for each in command.params if not each.hidden]
    return table(("argument or option", "default", "meaning"), rows) if rows else ""


def _row(place: str, parameter: Any, context: Any) -> tuple[str, str, str]:
    names = [*parameter.opts, *parameter.secondary_opts] if is_option(parameter) else [_shown(parameter)]
    about = plain(parameter.help or "")
    variable = f" Variable: `{parameter.envvar}`." if parameter.envvar else ""
    value = _value(parameter)
    shown = ", ".join(f"`{name}{value}`" for name in names)
    return target(f"{place}.{parameter.name}") + shown, _default(parameter), about + variable


def _value(parameter: Any) -> str:
    """What follows an option's name."""
    if not is_option(parameter) or parameter.is_flag:
        return ""
    return f" {_shown(parameter)}"


def _shown(parameter: Any) -> str:
    """What stands for its value in the command's own help."""
    return str(parameter.metavar or parameter.name.upper().rstrip("_")).removesuffix("...")


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    value = parameter.default
    if parameter.secondary_opts if is_option(parameter) else False:
        return code(parameter.opts[0] if value else parameter.secondary_opts[0])
    return "" if value is None or value is False else code(str(value))
