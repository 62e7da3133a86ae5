"""The tests' view of a program: functions to call, iterators to read, objects to pass back. Runs with the tests."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any, Final

from suite.sandbox.judging.values import Malformed, PipeClosed, Unsendable, receive, send

_MOST: Final = 100_000
"""Maximum number of items of an iterator that is passed to the program."""
_LENT: Final = (
    "function",
    "method",
    "builtin_function_or_method",
    "method_descriptor",
    "wrapper_descriptor",
    "partial",
)
"""Names of the types of functions that the program may call."""
_WRITTEN: Final = (
    "__annotations__",
    "__code__",
    "__defaults__",
    "__doc__",
    "__globals__",
    "__kwdefaults__",
    "__signature__",
)
"""Attributes that show how a function is written."""
_OPERATIONS: Final = ("__len__", "__getitem__", "__setitem__", "__str__", "__repr__")


class Refused(TypeError):
    """The tests need plain data, but the program returned something else."""


class ProgramError(Exception):
    """An exception of one of the program's own classes."""


class Channel:
    """Sends requests to the program, one at a time."""

    def __init__(self, replies: int, requests: int, *, objects: bool) -> None:
        """`objects`: whether the tests may use objects of the program's classes."""
        self.replies, self.requests, self.objects = replies, requests, objects
        self.weaker = False
        """Whether an object of the program took part in the outcome."""
        self.unclear = ""
        """What could not be passed or used; the tests then say nothing about the program."""
        self.raised: list[BaseException] = []
        """The exception that the program raised."""
        self.broken: BaseException | None = None
        """Set if the program has ended or does not follow the protocol."""
        self.remote_objects: dict[int, Any] = {}
        self.lent: list[Callable[..., Any]] = []

    def ask(self, *message: Any) -> tuple[Any, ...]:
        """The program's reply. Raises the program's exception, converted to a builtin exception if possible."""
        try:
            return self._reply(message)
        except (PipeClosed, Malformed) as error:
            self.broken = error
            raise

    def _reply(self, message: Any) -> tuple[Any, ...]:
        self._send(message)
        while True:
            reply = receive(self.replies, self._restore)
            if type(reply) is not tuple or not reply:
                raise Malformed("no reply")
            if reply[0] == "callback":
                self._call_back(*reply[1:])
            elif reply[0] == "raised":
                self.raised = [_exception(*reply[1:])]
                raise self.raised[0]
            else:
                return reply

    def value(self, *message: Any) -> Any:
        """The value in the program's reply."""
        reply = self.ask(*message)
        if reply[0] != "value":
            raise Malformed("no value")
        return reply[1]

    def of_object(self, name: str, *message: Any) -> Any:
        """The reply of an object of the program. Raises Refused if the tests may not use it."""
        if not self.objects:
            self.unclear = f"gave a {name}, which is no plain data"
            raise Refused(self.unclear)
        self.weaker = True
        return self.value(*message)

    def _send(self, message: Any) -> None:
        try:
            send(self.requests, message, self._export)
        except Unsendable as error:
            self.unclear = str(error)
            raise

    def _call_back(self, number: int, arguments: list[Any], named: dict[str, Any]) -> None:
        try:
            answer: tuple[str, Any] | tuple[str, str, Any] = ("returned", self.lent[number](*arguments, **named))
        except Exception as error:
            answer = ("threw", type(error).__name__, [str(error)[:200]])
        self._send(answer)

    def _export(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, (Function, Iteration, Thing)):
            self.weaker |= isinstance(value, Thing)
            return "theirs", number_of(value)
        if _is_builtin(value):
            return "builtin", value.__name__
        if type(value).__name__ in _LENT:
            self.lent.append(value)
            return "lent", len(self.lent) - 1
        if hasattr(type(value), "__next__"):
            items = [item for item, _ in zip(value, range(_MOST), strict=False)]
            return "iterator", items
        raise Unsendable(f"a {type(value).__name__} is no plain data")

    def _restore(self, kind: str, content: Any) -> Any:
        if kind == "builtin":
            builtin = getattr(builtins, content, None) if type(content) is str else None
            if not isinstance(builtin, type):
                raise Malformed("no builtin type")
            return builtin
        if kind == "lent":
            return self.lent[content]
        number, name = content
        if type(number) is not int or type(name) is not str or kind not in _KINDS:
            raise Malformed(f"no kind of value: {kind[:40]}")
        if number not in self.remote_objects:
            self.remote_objects[number] = _KINDS[kind](self, number, name[:100])
        return self.remote_objects[number]


class Function:
    """A function or class of the program. Its source stays there: tests that inspect it have to run there."""

    def __init__(self, channel: Channel, number: int, name: str) -> None:
        self._channel, self._number, self.__name__ = channel, number, name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call it. Changes that it made to its arguments are copied back."""
        reply = self._channel.ask("call", self, list(arguments), named)
        if len(reply) != 3 or reply[0] not in ("value", "argument"):
            raise Malformed("no result")
        if type(reply[2]) is list:
            for old, new in zip(arguments, reply[2], strict=False):
                _update(old, new)
        return reply[1] if reply[0] == "value" else arguments[reply[1]]

    def __getattr__(self, name: str) -> Any:
        if name in _WRITTEN:
            self._channel.unclear = f"asked for {name} of {self.__name__}"
        raise AttributeError(name)


class Iteration:
    """An iterator of the program; each item is requested."""

    def __init__(self, channel: Channel, number: int, name: str) -> None:
        self._channel, self._number, self.__name__ = channel, number, name

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        reply = self._channel.ask("next", self)
        if reply[0] == "end":
            raise StopIteration
        return reply[1]


class Thing:
    """An object of the program: equal to itself, and to others as its class decides."""

    def __init__(self, channel: Channel, number: int, name: str) -> None:
        for key, value in (("_channel", channel), ("_number", number), ("_name", name), ("_truth", None)):
            object.__setattr__(self, key, value)

    def __getattr__(self, name: str) -> Any:
        return self._channel.of_object(self._name, "get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._channel.of_object(self._name, "set", self, name, value)

    def __eq__(self, other: object) -> bool:
        if other is self or not isinstance(other, Thing):
            return other is self
        return self._channel.of_object(self._name, "operate", self, "__eq__", other) is True

    def __hash__(self) -> int:
        return hash(self._number)

    def __bool__(self) -> bool:
        """Its truth is one bit, which the program could also have returned directly."""
        if self._truth is None:
            object.__setattr__(self, "_truth", self._channel.value("truth", self._number) is True)
        return self._truth is True


def _operation(name: str) -> Callable[..., Any]:
    def operate(self: Thing, *arguments: Any) -> Any:
        return self._channel.of_object(self._name, "operate", self, name, *arguments)

    return operate


setattr(Function, "__doc__", property(lambda self: self.__getattr__("__doc__")))  # noqa: B010
for _name in _OPERATIONS:
    setattr(Thing, _name, _operation(_name))

_KINDS: Final = {"function": Function, "iterator": Iteration, "object": Thing}


def _is_builtin(value: Any) -> bool:
    name = getattr(value, "__name__", None)
    return type(name) is str and getattr(builtins, name, None) is value


def number_of(value: Any) -> int:
    """The number of an object in the program."""
    number: int = object.__getattribute__(value, "_number")
    return number


def _exception(names: Any, details: Any, text: Any) -> BaseException:
    """The nearest builtin exception among those names."""
    if type(names) is not list or type(details) is not list:
        raise Malformed("no exception")
    for name in names:
        kind = getattr(builtins, name, None) if type(name) is str else None
        if isinstance(kind, type) and issubclass(kind, BaseException):
            if (name == "Exception" and names[0] != name) or name in ("BaseException", "object"):
                break
            try:
                return kind(*details)
            except Exception:
                return kind(str(text)[:200]) if not issubclass(kind, UnicodeError) else ValueError(str(text)[:200])
    return ProgramError(str(text)[:200])


def _update(old: Any, new: Any) -> None:
    """Copy the program's changes into an argument; nested containers keep their identity."""
    if type(old) is not type(new) or type(old) not in (list, dict, set, bytearray):
        return
    if type(old) is list:
        old[:] = [_updated(old[index], value) if index < len(old) else value for index, value in enumerate(new)]
    elif type(old) is dict:
        updated = {key: _updated(old[key], value) if key in old else value for key, value in new.items()}
        old.clear()
        old.update(updated)
    elif type(old) is set:
        old.clear()
        old.update(new)
    else:
        old[:] = new


def _updated(old: Any, new: Any) -> Any:
    if type(old) is type(new) and type(old) in (list, dict, set, bytearray):
        _update(old, new)
        return old
    return new
