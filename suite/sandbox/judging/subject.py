"""The tested program's side: runs the program, then answers calls of its functions, in the program's own sandbox.

Nothing here has to be hidden from the program: with it, the program could only send replies.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Final

from suite.sandbox.judging.values import PURE, Malformed, Unsendable, encode, error_line, receive, send

_NAMES: Final = frozenset(sys.modules["builtins"].__dict__)
_MODULE: Final = type(sys)
_WRITTEN: Final = type(lambda: None)
_BUILTIN: Final = type(len)
_CALLED: Final = ("function", "builtin_function_or_method", "method", "partial", "_lru_cache_wrapper")
"""Names of the types of plain callables; for other types, being callable is only one of their features."""

_OWN_FRAMES: Final = 16
"""Stack frames between the interpreter and the program's function: it may recurse as deeply as without them."""


class Subject:
    """A loaded program and the objects that it has passed out."""

    def __init__(self, requests: int, replies: int) -> None:
        self.requests, self.replies = requests, replies
        self.module = _MODULE("program")
        self.things: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.lent: dict[int, Any] = {}

    def load(self, path: str, name: str) -> str:
        """Run the program to its end. Returns why it failed, or ""."""
        self.module.__dict__.update(__name__=name, __file__=path)
        sys.modules[name], sys.argv = self.module, [path]
        try:
            with open(path, "rb") as file:
                code = compile(file.read(), path, "exec", dont_inherit=True)
            exec(code, self.module.__dict__)
        except BaseException as error:
            why = error_line(error)
            del error
            self.module.__dict__.clear()  # it may hold all memory
            return why
        return ""

    def serve(self) -> None:
        """Answer requests until the pipe is closed."""
        sys.setrecursionlimit(sys.getrecursionlimit() + _OWN_FRAMES)
        while True:
            self._reply(receive(self.requests, self._restore))

    def _reply(self, message: Any) -> None:
        try:
            answer = self._answered(message)
        except BaseException as error:
            return self._raised(error)
        try:
            return send(self.replies, answer, self._export)
        except Unsendable as error:
            return self._raised(error)

    def _raised(self, error: BaseException) -> None:
        names = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
        try:
            details = list(error.args)
            encode(details)
        except BaseException:
            details = []
        send(self.replies, ("raised", names, details, error_line(error)))

    def _answered(self, message: Any) -> Any:
        operation, *rest = message
        if operation == "names":
            (names,) = rest
            return "value", {name: self._binding(name) for name in names if name in self.module.__dict__}
        if operation == "call":
            return self._called(*rest)
        if operation == "next":
            try:
                return "value", next(rest[0])
            except StopIteration:
                return "end", None
        if operation == "truth":
            return "value", bool(self.things[rest[0]])
        thing, name, *arguments = rest
        if operation == "get":
            return "value", getattr(thing, name)
        if operation == "set":
            setattr(thing, name, *arguments)
            return "value", None
        return "value", getattr(type(thing), name)(thing, *arguments)

    def _binding(self, name: str) -> Any:
        value = self.module.__dict__[name]
        if type(value) is _MODULE and value.__name__ in PURE:
            return "module", value.__name__
        module = getattr(value, "__module__", None)
        if isinstance(value, (type, _WRITTEN, _BUILTIN)) and module in PURE:
            return "member", module, value.__qualname__
        if callable(value) and not isinstance(value, type) and type(value).__name__ not in _CALLED:
            # an object that acts as a function
            return "value", lambda *arguments, **named: value(*arguments, **named)
        return "value", value

    def _called(self, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        before = self._state(arguments)
        result = function(*arguments, **named)
        after = None if before is None or before == self._state(arguments) else arguments
        for index, argument in enumerate(arguments):
            if result is argument and type(argument) in (list, dict, set, bytearray):
                return "argument", index, after
        return "value", result, after

    def _state(self, arguments: list[Any]) -> bytes | None:
        """The content of arguments that can be changed; None if there are none or they cannot be encoded."""
        if all(type(argument) in (int, str, float, bool, bytes, tuple, type(None)) for argument in arguments):
            return None
        try:
            return encode(arguments, self._export)
        except Unsendable:
            return None

    def _export(self, value: Any) -> tuple[str, Any]:
        if id(value) in self.lent:
            return "lent", self.lent[id(value)]
        if isinstance(value, type) and value.__module__ == "builtins" and value.__name__ in _NAMES:
            return "builtin", value.__name__
        kind = "object"
        if isinstance(value, type) or type(value).__name__ in _CALLED:
            kind = "function"
        elif hasattr(type(value), "__next__"):
            kind = "iterator"
        if id(value) not in self.numbers:
            self.numbers[id(value)] = len(self.things)
            self.things.append(value)
        name = getattr(value, "__name__", None)
        return kind, (self.numbers[id(value)], name if type(name) is str else type(value).__name__)

    def _restore(self, kind: str, content: Any) -> Any:
        if kind == "theirs":
            return self.things[content]
        if kind == "builtin":
            return getattr(sys.modules["builtins"], content)
        if kind == "member":
            return getattr(__import__(content[0]), content[1])
        if kind == "iterator":
            return iter(content)
        if kind == "lent":
            return self._borrowed(content)
        raise Malformed(kind)

    def _borrowed(self, number: int) -> Callable[..., Any]:
        """A function of the tests, callable from the program."""

        def function(*arguments: Any, **named: Any) -> Any:
            send(self.replies, ("callback", number, list(arguments), named), self._export)
            while True:
                message = receive(self.requests, self._restore)
                if message[0] == "returned":
                    return message[1]
                if message[0] == "threw":
                    raise getattr(sys.modules["builtins"], message[1], Exception)(*message[2])
                self._reply(message)

        self.lent[id(function)] = number
        self.things.append(function)  # kept alive, so that its id stays unique
        return function


def main() -> None:
    """`subject PROGRAM NAME`: loads a module of this name, and answers requests from standard input.

    Replies go to standard output, and the program's own output to standard error.
    """
    requests, replies, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    process, leave = os.getpid(), os._exit
    subject = Subject(requests, replies)
    why = subject.load(*sys.argv[1:])
    if os.getpid() != process:  # a child process that the program made and did not end
        leave(0)
    send(replies, (receive(requests)[0], why))
    if not why:
        subject.serve()


if __name__ == "__main__":
    main()
