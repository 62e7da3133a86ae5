"""A server that goes away: it is asked again, users are told, and a change whose reply was lost is made once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from suite.core.errors import StoreAway, StoreConflict, SuiteError
from suite.results.store import Costs, StepOutcome, Store, servers
from suite.results.store.database import one_line_errors
from suite.results.store.servers import Server, away_error, connection_options
from suite.results.store.urls import server_of
from tests.results.store.test_store import EXPERIMENT, LINK, STEP, finished

URL = make_url("postgresql+psycopg://me:secret@there/db")
ME = "me:1:1"


class Answers:
    """A question that fails some times before it is answered."""

    def __init__(self, *reasons: str) -> None:
        self.reasons, self.asked = list(reasons), 0

    def __call__(self) -> str:
        self.asked += 1
        if self.reasons:
            reason = self.reasons.pop(0)
            raise away_error(reason, "there")
        return "answer"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "PAUSES_SECONDS", (0.001, 0.01))


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(lines: list[str]) -> Server:
    found = Server("there")
    found.notify = lines.append
    assert found.with_retries(Answers()) == "answer"
    return found


def test_a_server_that_is_away_is_asked_until_it_answers_and_users_are_told_once(
    server: Server, lines: list[str]
) -> None:
    assert server.with_retries(Answers("refused", "starting up", "refused")) == "answer"
    away, back = lines
    assert away.startswith("there is away since 2")
    assert "(refused); it is asked again until 2" in away
    assert back.startswith("there is back after 0.")


def test_a_server_that_stays_away_ends_the_command_in_one_line_that_says_what_to_do(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "AWAY_SECONDS", 0.05)
    with pytest.raises(SuiteError, match=r"^there: is away since .* \(no\) and was asked again until .*start the serv"):
        server.with_retries(Answers(*["no"] * 1000))


def test_an_address_where_no_server_was_ever_reached_is_told_at_once_and_one_that_restarts_is_waited_for() -> None:
    wrong, stopping = Answers("refused"), Answers("FATAL:  the database system is shutting down", "refused")
    with pytest.raises(StoreAway, match="refused"):
        Server("there").with_retries(wrong)
    assert wrong.asked == 1
    assert Server("there").with_retries(stopping) == "answer"


def test_of_several_addresses_the_line_names_what_was_heard_of_one() -> None:
    said = "Multiple connection attempts failed. All failures were:\n- '::1': failed: refused\n- '::2': starting up"
    error = away_error(said, "there")
    assert error.reason == "- '::1': failed: refused"
    assert error.soon


def test_what_can_wait_is_asked_once(server: Server, lines: list[str]) -> None:
    asked = Answers("refused")
    with pytest.raises(StoreAway), server.without_retries():
        server.with_retries(asked)
    assert asked.asked == len(lines) == 1
    assert "asked again" not in lines[0]
    assert server.with_retries(Answers("refused")) == "answer"
    assert ["asked again" in line for line in lines] == [False, True, False]


def test_part_of_a_question_is_asked_again_with_the_whole(server: Server) -> None:
    part, whole = Answers("refused"), Answers()
    assert server.with_retries(lambda: (whole(), server.with_retries(part))) == ("answer", "answer")
    assert (whole.asked, part.asked) == (2, 2)


def test_what_gave_way_to_another_process_is_asked_again_without_a_word(server: Server, lines: list[str]) -> None:
    left = [StoreConflict("deadlock detected")] * 2

    def question() -> str:
        if left:
            raise left.pop()
        return "answer"

    assert server.with_retries(question) == "answer"
    assert lines == left == []


def test_only_errors_of_the_connection_are_taken_for_a_server_that_is_away() -> None:
    class Completion(Exception):
        def __init__(self, code: str | None) -> None:
            super().__init__("said")
            self.sqlstate = code

    def kind(error: Exception, url: Any = URL) -> str:
        try:
            with one_line_errors(url):
                raise error
        except Exception as raised:
            return type(raised).__name__

    for code in ("57P01", "57P02", "57P03", "08006", None):
        assert kind(OperationalError("", None, Completion(code))) == "StoreAway"
    assert kind(ProgrammingError("", None, Completion("42P01"), connection_invalidated=True)) == "StoreAway"
    assert kind(OperationalError("", None, Completion("53100"))) == "SuiteError"  # no room on its disk
    assert kind(OperationalError("", None, Completion("40P01"))) == "StoreConflict"
    assert kind(IntegrityError("", None, Completion("23505"))) == "IntegrityError"
    assert kind(OperationalError("", None, Completion(None)), make_url("sqlite://")) == "SuiteError"


def test_a_url_may_say_otherwise_how_its_connections_are_watched() -> None:
    assert connection_options(URL)["connect_timeout"] == 10
    assert "connect_timeout" not in connection_options(URL.update_query_dict({"connect_timeout": "3"}))
    assert connection_options(make_url("postgresql+pg8000://there/db")) == {}


def test_every_question_to_a_store_is_one_that_can_be_asked_again() -> None:
    names = [name for name, _ in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")]
    methods = {name: getattr(Store, name) for name in names if name not in ("without_retries", "notifying")}
    assert len(methods) > 30
    for name, method in methods.items():
        assert hasattr(method, "__wrapped__"), name
        assert not inspect.isgeneratorfunction(method.__wrapped__), f"{name} would be asked outside of the call"


def test_a_store_in_a_file_has_no_server(tmp_path: Path) -> None:
    with Store.open(tmp_path / "suite.db") as store:
        assert server_of(store.engine.url) is store._server is None


@pytest.fixture
def store(tmp_path: Path, server: Server) -> Iterator[Store]:
    with Store.open(tmp_path / "suite.db") as store:
        store.add_steps([STEP])
        store._server = server
        yield store


def lose(store: Store, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Any] = lambda: None) -> None:
    """Have the reply to the next change lost once it is made; something may happen before it is asked again."""
    original, left = store._writing, [True]

    @contextmanager
    def lossy() -> Iterator[Connection]:
        with original() as connection:
            yield connection
        if left:
            left.clear()
            then()
            raise StoreAway("gone", "gone")

    monkeypatch.setattr(store, "_writing", lossy)


def test_a_claim_whose_reply_was_lost_is_ours_and_one_attempt(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(store, monkeypatch)
    assert store.claim("a", ME)
    assert store.steps(["a"])["a"].attempts == 1
    assert not store.claim("a", ME)  # a second one is none


def test_a_claim_that_another_process_has_made_meanwhile_is_not_ours(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose(store, monkeypatch, then=lambda: Store(store.engine).claim("a", "it:2:2", -1.0))
    assert not store.claim("a", ME)
    assert store.steps(["a"])["a"].attempts == 2


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("done", lambda store: store.finish("a", ME, StepOutcome(costs=Costs(1.5)))),
        ("failed", lambda store: store.fail("a", ME, "no memory")),
        ("cancelled", lambda store: store.cancel("a", ME, "Ctrl-C")),
        ("running", lambda store: store.heartbeat("a", ME)),
    ],
)
def test_an_end_whose_reply_was_lost_is_no_step_taken_over(
    store: Store, monkeypatch: pytest.MonkeyPatch, status: str, end: Callable[[Store], bool]
) -> None:
    assert store.claim("a", ME)
    lose(store, monkeypatch)
    assert end(store)
    assert store.steps(["a"])["a"].status == status


def test_a_step_that_was_taken_over_meanwhile_is_not_finished(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.claim("a", ME)
    assert store.claim("a", "it:2:2", -1.0)
    lose(store, monkeypatch)
    assert not store.finish("a", ME, StepOutcome())


def test_steps_that_were_renewed_with_the_reply_lost_are_known_to_be(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished(store)
    seen = store.steps(["a"])["a"]
    lose(store, monkeypatch)
    assert store.invalidate([seen])
    assert not store.invalidate([seen])


def test_what_was_removed_with_the_reply_lost_is_no_change_by_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add_experiment(EXPERIMENT, [LINK])
    removal = store.removal([EXPERIMENT.id])
    lose(store, monkeypatch)
    store.remove(removal)
    assert store.count_steps() == 0
    with pytest.raises(SuiteError, match="changed since"):
        store.remove(removal)
