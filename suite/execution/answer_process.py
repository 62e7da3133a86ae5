"""One of the processes that answer an evaluation together: `python -m suite.execution.answer_process CONNECTION`.

It makes the same batches as the process of the evaluation, and answers its own. Signals are for that process; when it
is gone, this one ends, too.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

import torch
from lm_eval.api.instance import Instance

from suite.core.signals import ENDING
from suite.evaluation.lm import StackLM
from suite.execution.answer_messages import Ask, AskFailed, Ready, Setup, Share
from suite.execution.outcome import reason_of
from suite.execution.session import Session
from suite.inference.division import Division


def main() -> None:
    """Answer parts of requests until the connection ends."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    asked: queue.SimpleQueue[Ask] = queue.SimpleQueue()
    setup: Setup = connection.recv()
    threading.Thread(target=_receive, args=(connection, asked), daemon=True).start()
    if setup.device.startswith("cuda"):
        torch.cuda.set_device(torch.device(setup.device))
    torch.set_num_threads(setup.threads)
    session = Session(setup.home, setup.inputs, setup.device)
    session.backbone(setup.track)
    connection.send(Ready())
    while True:
        ask = asked.get()
        try:
            _answer(ask, session, connection)
        except Exception as error:
            traceback.print_exc()
            sys.stderr.flush()
            connection.send(AskFailed(ask.number, reason_of(error) or f"{type(error).__name__}: {error}"))


def _receive(connection: Connection, asked: queue.SimpleQueue[Ask]) -> None:
    while True:
        try:
            asked.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)


def _answer(ask: Ask, session: Session, connection: Connection) -> None:
    """Answer this process's batches of the requests, and send the results of each group of batches."""

    def exchange(own: dict[int, Any]) -> dict[int, Any]:
        connection.send(Share(ask.number, own))
        return {}

    lm = StackLM(session.stack(ask.stack, ask.step.work.track, ask.hashes), **ask.decoding)
    lm.division = Division(ask.rank, ask.count, exchange)
    requests = [
        Instance(request_type=ask.kind, doc={}, arguments=arguments, idx=0, metadata=("", document, 1))
        for document, arguments in ask.questions
    ]
    getattr(lm, ask.kind)(requests)


if __name__ == "__main__":
    main()
