"""Randomly changed records: each must be rejected in one line, or shown by every command and page without an error.

Most are signed again (ids and hash match the change), as an attacker would do.
"""

from __future__ import annotations

import copy
import csv
import gzip
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final, TextIO

from benchmarks.faults._forked import Ended, forked
from benchmarks.faults.trial import Outcome
from suite.core.console import STEERING
from suite.core.hashing import experiment_id, fingerprint, variant_id

COUNT: Final = 2000
PUBLISHED: Final = Path("leaderboard/records")
BASE: Final = ("smol-t2-cpu/svf_reasoning--seed0--1dbba529.json.gz", "smol-cpu/promot_rte--seed0--0048e180.json.gz")
HOSTILE: Final = (
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1+1", "@SUM(A1)", "\t=1", "../../../etc/passwd", "a\0b",
    "\x1b[31mred", "\u202eright to left", "\ud800", "{{ 7 * 7 }}", "</textarea>\"'><img src=x onerror=alert(1)>",
    "x" * 40_000, "", " ", "line\nbreak", "|a|b|", "\\input{x}", "javascript:alert(1)", "é\u0301\u0301", "NaN", "null",
)  # fmt: skip
NUMBERS: Final = (-1, 0, 2000, -50.0, 1e308, -1e308, 2**63, 2**70, 0.5, -0.0, 10**15, 101, 1e-320)
OTHERS: Final = (None, True, False, [], {}, "text", 7, [None], {"a": {"b": []}}, [[]])
UNESCAPED: Final = ("<script>alert(1)", "<img src=x onerror")


def trial(scratch: Path, count: int, seed: int) -> Outcome:
    """Import `count` changed records into separate stores, and check those that were accepted."""
    bases = [json.loads(gzip.decompress((PUBLISHED / name).read_bytes())) for name in BASE]
    told: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(count):
        random = Random(f"{seed}/{number}")
        what, data = changed(copy.deepcopy(random.choice(bases)), random)
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        (folder / "record.json").write_bytes(data)
        way, found = judged(folder)
        told[way] += 1
        wrong += [f"record {number} ({what}): {each}" for each in found]
        shutil.rmtree(folder)
    return Outcome(count, dict(told), tuple(wrong))


def changed(record: dict[str, Any], random: Random) -> tuple[str, bytes]:
    """Describe the changes to a record, and return its new bytes."""
    said = []
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        said.append(one_change(record, random))
    if random.random() < 0.8:
        said.append("signed")
        sign(record)
    text = json.dumps(record, ensure_ascii=random.random() < 0.5)
    data = text.encode("utf-8", "surrogatepass")
    way = random.random()
    if way < 0.03:
        place = random.randrange(len(data))
        said.append(f"cut at {place}")
        data = data[:place]
    elif way < 0.06:
        at = text.index('"', random.randrange(len(text) - 200))
        said.append(f"a key twice near {at}")
        data = text.replace('"title"', '"title": "another", "title"', 1).encode("utf-8", "surrogatepass")
    elif way < 0.08:
        data = gzip.compress(data, mtime=0)[: random.randrange(20, 400)]
        said.append("a packed file cut")
    elif way < 0.11:
        place = random.randrange(len(data))
        data = data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]
        said.append(f"a bit flipped at {place}")
    return ", ".join(said), data


def one_change(record: dict[str, Any], random: Random) -> str:
    """Change one place of a record."""
    places = list(inner(record))
    shallow = [each for each in places if len(each) <= 4 and "answers" not in each]
    path = random.choice(shallow if random.random() < 0.7 else places)
    holder: Any = record
    for part in path[:-1]:
        holder = holder[part]
    last, named = path[-1], ".".join(map(str, path))[:60]
    if not isinstance(holder, (dict, list)) or (isinstance(holder, list) and last >= len(holder)):
        return f"{named} gone"
    kinds: dict[str, Callable[[], Any]] = {
        "number": lambda: random.choice(NUMBERS), "text": lambda: random.choice(HOSTILE),
        "other": lambda: copy.deepcopy(random.choice(OTHERS)), "empty": lambda: type(holder[last])(),
    }  # fmt: skip
    way = random.choice((*kinds, "number", "text", "drop", "rename", "repeat", "swap"))
    if way == "drop":
        del holder[last]
    elif way == "rename" and isinstance(holder, dict):
        holder[random.choice(HOSTILE)] = holder.pop(last)
    elif way == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[last]))
    elif way == "swap":
        other = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        holder[last], holder[other] = holder[other], holder[last]
    elif way in kinds:
        value = holder[last]
        if way == "empty" and value is None:
            return f"{named} as it was"
        holder[last] = kinds[way]()
    return f"{way} at {named}"


def inner(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every place in a record; only a few of answers and curves."""
    if path:
        yield path
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value[:3]))
    for key, each in items:
        yield from inner(each, (*path, key))


def sign(record: dict[str, Any]) -> None:
    """Make ids and hash match the content, as far as it still has the right form."""
    with suppress(KeyError, TypeError, AttributeError, ValueError, IndexError):
        names = {}
        for step in record["steps"]:
            names[step["id"]] = step["id"] = fingerprint(step["config"])
        for link in record["links"]:
            link["step_id"] = names.get(link["step_id"], link["step_id"])
        about, spec = record["experiment"], record["experiment"]["spec"]
        resolved = {key: value for key, value in spec.items() if key not in ("file", "variant", "sets")}
        spec["variant"], about["id"] = variant_id(resolved), experiment_id(resolved)
        about |= {"name": spec["name"], "track": spec["track"]["name"], "seed": spec["seed"]}
        about |= {"method": spec["method"]["name"], "targets": spec["targets"], "source": spec["source"]}
    with suppress(TypeError, ValueError):
        record["sha256"] = fingerprint({key: value for key, value in record.items() if key != "sha256"}, length=64)


def judged(folder: Path) -> tuple[str, list[str]]:
    """How an import ended, and what is wrong with it or with commands that show it."""
    home, file = str(folder / "home"), str(folder / "record.json")
    ended = forked("import", file, "--home", home)
    if ended.code == 2:
        wrong = [f"import: tells what steers a terminal: {found!r}" for found in steering(ended)]
        in_a_line = len(ended.err.splitlines()) == len(ended.lines) == 1
        return "refused", wrong if in_a_line else [*wrong, _told("import", ended)]
    if ended.code != 0:
        return "broke", [_told("import", ended)]
    site, out = folder / "site", folder / "out"
    name = json.loads((folder / "record.json").read_bytes())["experiment"]["name"]
    paper = "t2-1" if name.startswith("svf") else "promot"
    commands: dict[str, Sequence[str]] = {
        "show": ("show",), "show --wide": ("show", "--wide"), "show --json": ("show", "--json"),
        "show one": ("show", name), "show one --wide": ("show", name, "--wide"),
        "board": ("board",), "board --json": ("board", "--json"), "compare": ("compare", name, name),
        "table": ("table", paper),
        "csv": ("table", paper, "--format", "csv"), "latex": ("table", paper, "--format", "latex"),
        "export": ("export", str(out)), "render": ("render", "--out", str(site)),
    }  # fmt: skip
    wrong = []
    for each, command in commands.items():
        shown = forked(*command, "--home", home)
        # a row of another name, track or method is in none of these tables and may have no comparison
        in_a_line = each in ("compare", "table", "csv", "latex") and shown.code == 2 and len(shown.lines) == 1
        if shown.code != 0 and not in_a_line:
            wrong.append(_told(each, shown))
        wrong += [f"{each}: prints what steers a terminal: {found!r}" for found in steering(shown)]
        if each == "csv":
            wrong += [f"{each}: {found}" for found in formulas(io.StringIO(shown.out))]
    return "shown", [*wrong, *harmful(site)]


def harmful(site: Path) -> Iterator[str]:
    """Parts of pages and CSV files that a browser or a spreadsheet would not treat as text."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        yield from (f"{page.name}: {each!r} unescaped" for each in UNESCAPED if each in text)
    for file in site.rglob("*.csv"):
        with file.open(encoding="utf-8", newline="") as stream:
            yield from (f"{file.name}: {each}" for each in formulas(stream))


def formulas(stream: TextIO) -> Iterator[str]:
    """Cells of a CSV that a spreadsheet would compute."""
    for cell in (cell for row in csv.reader(stream) for cell in row):
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell):
            yield f"the cell {cell[:30]!r} is a formula"


def steering(ended: Ended) -> list[str]:
    """Control characters in a command's output, except ends of lines and cells."""
    return [found for found in STEERING.findall(ended.out + ended.err) if found not in "\n\r"][:1]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _told(name: str, ended: Ended) -> str:
    return f"{name}: exit {ended.code}, {len(ended.lines)} lines: {(ended.err or ended.out)[-300:]!r}"
