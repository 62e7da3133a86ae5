"""`suite gc`: delete files of the home that nothing needs any more, and say what they were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast, get_args

from suite.cli.commands.removing import experiments_named
from suite.cli.commands.stored import reading
from suite.cli.commands.tables import aligned
from suite.core.disk import bytes_in
from suite.core.errors import SuiteError, did_you_mean
from suite.core.quantities import clock, size
from suite.core.run_dir import RunDir
from suite.execution.garbage import GarbageItem, delete_garbage, find_garbage
from suite.execution.retention import REPLACED, replaced_steps, surplus_steps
from suite.results.store import Store
from suite.specs.blocks import KeepArtifacts

OPTION: Final = "--keep-artifacts"


def collect_garbage(
    home: RunDir, names: Sequence[str], track: str | None, keep_artifacts: str | None, *, caches: bool, dry_run: bool
) -> None:
    """Delete what nothing needs, or only print it. Raises SuiteError if there is no store, or it is another home's."""
    keep = _policy(keep_artifacts)
    if (names or track is not None) and keep is None:
        fix = f"add {OPTION} reported, best or none"
        raise SuiteError("experiments are named, and not what they should keep", where=OPTION, fix=fix)
    with reading(home) as store:
        _refuse_foreign(store, home)
        chosen = store.deletable(_surplus(store, names, track, keep))
        replaced = store.deletable(replaced_steps(store.references()))
        why = {**dict.fromkeys(chosen, f"not kept ({OPTION} {keep})"), **dict.fromkeys(replaced, REPLACED)}
        if not dry_run:
            marked = set(store.mark_deleted(list(why)))
            why = {step: reason for step, reason in why.items() if step in marked}
        items = find_garbage(store, home, why, caches=caches)
        if not dry_run:
            items = delete_garbage(store, items)
        print("\n".join(_report(store, home, items, why, dry_run=dry_run)))


def _policy(text: str | None) -> KeepArtifacts | None:
    if text is not None and text not in get_args(KeepArtifacts):
        raise SuiteError(f"'{text}' is no choice", where=OPTION, fix=did_you_mean(text, get_args(KeepArtifacts)))
    return cast("KeepArtifacts | None", text)


def _surplus(store: Store, names: Sequence[str], track: str | None, keep: KeepArtifacts | None) -> tuple[str, ...]:
    if keep is None:
        return ()
    records = experiments_named(store, names, track)
    if not records and track is not None:
        raise SuiteError(f"no experiment of the track '{track}' is stored", fix="`suite show` lists the experiments")
    return surplus_steps(store, records, {record.id: keep for record in records})


def _refuse_foreign(store: Store, home: RunDir) -> None:
    """Raises SuiteError for an empty store beside artifacts, which may be those of another one."""
    if store.count_steps() == 0 and home.artifacts.is_dir() and any(home.artifacts.iterdir()):
        what = f"is empty, and all of {home.artifacts} would go"
        raise SuiteError(what, where=store.where, fix="name the database with --db, or delete that folder yourself")


def _report(
    store: Store, home: RunDir, items: Sequence[GarbageItem], why: Mapping[str, str], *, dry_run: bool
) -> Iterator[str]:
    """A table by kind and reason, the total, and what a later run would train again."""
    by_kind: dict[tuple[str, str], list[int]] = {}
    for item in items:
        by_kind.setdefault((item.kind, item.why), []).append(item.bytes)
    if by_kind:
        rows = [[kind, reason, str(len(sizes)), size(sum(sizes))] for (kind, reason), sizes in by_kind.items()]
        yield from aligned([["kind", "why", "count", "size"], *rows])
    freed = sum(item.bytes for item in items)
    rest = bytes_in(home.folder) - (freed if dry_run else 0)
    yield f"{size(freed)} {'would be freed' if dry_run else 'freed'}; {size(rest)} stay in {home.folder}"
    running = sum(each.running for each in store.references().values())
    if running:
        yield "1 step is running: its files stay" if running == 1 else f"{running} steps are running: their files stay"
    lost = [step for step, reason in why.items() if reason != REPLACED]
    if lost:
        seconds = sum(record.costs.seconds or 0.0 for record in store.steps(lost).values())
        them = "1 train step has" if len(lost) == 1 else f"{len(lost)} train steps have"
        yield (
            f"{them} no artifact {'then' if dry_run else 'now'}; scores and answers stay. A step that needs one, and "
            f"`suite run SPEC --restore`, trains it again ({clock(seconds)} in all)"
        )
