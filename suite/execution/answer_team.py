"""Answers an evaluation on several devices: this process and one more for each further device, which stay for the next.

Each process has the whole model. Those that have not started yet take no part, so no evaluation waits for them unless
it is a long one. What a process that has failed or died leaves open is answered here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final

from lm_eval.api.instance import Instance

from suite.core.errors import SuiteError
from suite.evaluation.answered import Answered
from suite.evaluation.lm import StackLM
from suite.execution.answer_messages import Ask, AskFailed, Ready, Setup, Share
from suite.execution.child import ChildProcess
from suite.execution.group import devices_of
from suite.inference.division import Division
from suite.models.adapted import AdaptedModel

WORTH_SECONDS: Final = 60.0
"""An evaluation that is expected to take longer waits until all processes have started."""
START_SECONDS: Final = 600.0
"""The longest time that an evaluation waits for that."""
HUNG_SECONDS: Final = 3600.0
"""A process that sends nothing for so long is given up."""
POLL_SECONDS: Final = 0.5


@dataclass
class _Member:
    device: str
    child: ChildProcess
    output: IO[bytes]
    """What it printed."""
    ready: bool = False

    def printed(self) -> str:
        self.output.seek(0)
        return self.output.read().decode(errors="replace")


@dataclass
class AnswerTeam:
    """The other processes. There are none before `begin`."""

    notices: list[str] = field(default_factory=list)
    """What happened to processes in the current evaluation."""
    used: int = 1
    """The most devices that answered requests of the current evaluation together."""
    _members: list[_Member] = field(default_factory=list)
    _begun: tuple[object, ...] = ()
    """What the processes were started for."""
    _number: int = 0

    def begin(self, setup: Setup, count: int, seconds: float) -> None:
        """Begin an evaluation that should take these seconds on one device, on up to `count` devices.

        The processes start now, if they do not run yet. One that was lost is not started again.
        """
        self.notices, self.used = [], 1
        if (setup.home, setup.inputs, setup.device, count) != self._begun:
            self.close()
            self._members = [_started(replace(setup, device=device)) for device in further_devices(setup.device, count)]
            self._begun = (setup.home, setup.inputs, setup.device, count)
        limit = time.monotonic() + (START_SECONDS if seconds > WORTH_SECONDS else 0.0)
        while time.monotonic() < limit and any(not member.ready for member in self._members):
            for member in [each for each in self._members if not each.ready]:
                self._next(member)

    def close(self) -> None:
        """End all processes."""
        for member in self._members:
            member.child.end()
            member.output.close()
        self._members, self._begun = [], ()

    @contextmanager
    def asked(self, ask: Ask, waiting: Callable[[], None]) -> Iterator[Division | None]:
        """Context manager: requests in it are answered together, by this process's part of the division.

        None if there is no other process, or nothing to divide. `waiting` is called while this process waits.
        """
        for member in list(self._members):
            while not member.ready and member in self._members and member.child.connection.poll():
                self._next(member)
        partners = [member for member in self._members if member.ready] if len(ask.questions) > 1 else []
        self._number += 1
        ask = replace(ask, number=self._number, count=1 + len(partners))
        for rank, member in enumerate(partners, 1):
            with suppress(OSError):  # one that is gone is noticed later
                member.child.connection.send(replace(ask, rank=rank))

        def exchange(own: dict[int, Any]) -> dict[int, Any]:
            others: dict[int, Any] = {}
            for member in partners:
                others |= self._share(member, ask.number, waiting)
            return others

        self.used = max(self.used, ask.count)
        try:
            yield Division(0, ask.count, exchange) if partners else None
        except BaseException:  # they are in the middle of it
            self.close()
            raise

    def _share(self, member: _Member, number: int, waiting: Callable[[], None]) -> dict[int, Any]:
        """The next results of a process; none if it is gone or has failed."""
        limit = time.monotonic() + HUNG_SECONDS
        while member in self._members:
            message = self._next(member)
            if isinstance(message, Share) and message.number == number:
                return dict(message.results)
            if isinstance(message, AskFailed) and message.number == number:
                self._lose(member, message.reason)
            if message is None:
                waiting()
                if time.monotonic() > limit and member in self._members:
                    self._lose(member, "it sent nothing for an hour")
        return {}

    def _next(self, member: _Member) -> object:
        """The next message of a process; None if there is none yet, or if it is gone."""
        try:
            if not member.child.connection.poll(POLL_SECONDS):
                return None
            message = member.child.connection.recv()
        except (EOFError, OSError):
            self._lose(member, member.child.death(member.printed()))
            return None
        member.ready = member.ready or isinstance(message, Ready)
        return message

    def _lose(self, member: _Member, why: str) -> None:
        """Go on without a process."""
        self._members.remove(member)
        member.child.end()
        member.output.close()
        self.notices.append(f"a process on {member.device} answers no longer ({why}); its part is answered by others")


def _started(setup: Setup) -> _Member:
    output = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
    child = ChildProcess.start("suite.execution.answer_process", output)
    with suppress(OSError):  # one that is gone already is noticed later
        child.connection.send(setup)
    return _Member(setup.device, child, output)


def further_devices(device: str, count: int) -> list[str]:
    """The devices after the first one of `count`, as far as they are here."""
    while count > 1:
        with suppress(SuiteError):
            return devices_of(device or None, count)[1:]
        count -= 1
    return []


class DividedLM(StackLM):
    """A `StackLM` that answers together with the processes of a team."""

    def __init__(self, adapted: AdaptedModel, team: AnswerTeam, ask: Ask, answered: Answered | None) -> None:
        super().__init__(adapted, answered=answered, **ask.decoding)
        self._team, self._ask = team, ask

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = True) -> list[str]:
        """As in a `StackLM`."""
        with self._divided("generate_until", requests):
            return super().generate_until(requests)

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """As in a `StackLM`."""
        with self._divided("loglikelihood", requests):
            return super().loglikelihood(requests)

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = True) -> list[float]:
        """As in a `StackLM`."""
        with self._divided("loglikelihood_rolling", requests):
            return super().loglikelihood_rolling(requests)

    @contextmanager
    def _divided(self, kind: str, requests: Sequence[Instance]) -> Iterator[None]:
        questions = tuple((request.doc_id, request.args) for request in requests)
        ask = replace(self._ask, kind=kind, questions=questions)
        with self._team.asked(ask, lambda: self._ended(0, 0)) as self.division:
            yield
