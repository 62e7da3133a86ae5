"""Messages of libraries: from `logging` and `warnings` to where a run or a worker wants them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO

LIBRARIES: Final = ("transformers", "datasets", "huggingface_hub", "peft", "lm_eval")
"""Libraries whose messages do not reach the root logger, always or once they are set up."""


class MessageHandler(logging.Handler):
    """Passes messages of `logging` on, as lines."""

    def __init__(self, say: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self.say = say
        self._last: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a library's message on; a message that arrives through two loggers is passed on once."""
        if record is self._last:
            return
        self._last = record
        with suppress(Exception):  # a message that does not fit its arguments is the library's bug
            self.say(f"{record.levelname.lower()} of {record.name}: {record.getMessage()}")


@contextmanager
def heard(handler: MessageHandler, *, shown: bool = False) -> Iterator[None]:
    """Context manager in which libraries' messages and warnings go to the handler.

    If `shown`, also to where they went before.
    """
    root, showwarning = logging.getLogger(), warnings.showwarning
    handlers: list[logging.Handler] = [handler]
    if shown and not root.handlers:  # Python shows messages without a handler; now there is one
        handlers.append(logging.StreamHandler())
        handlers[-1].setLevel(logging.WARNING)

    def log_warning(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, file: TextIO | None = None,
        line: str | None = None,
    ) -> None:  # fmt: skip
        handler.say(f"{category.__name__}: {message} ({filename}:{lineno})")
        if shown:
            showwarning(message, category, filename, lineno, file, line)

    for each in handlers:
        root.addHandler(each)
    for name in LIBRARIES:
        logging.getLogger(name).addHandler(handler)
    warnings.showwarning = log_warning
    try:
        yield
    finally:
        warnings.showwarning = showwarning
        for name in LIBRARIES:
            logging.getLogger(name).removeHandler(handler)
        for each in handlers:
            root.removeHandler(each)
