"""Keeps a model's answers on disk until they are scored, so that a failing scorer does not lose them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from suite.core.errors import StepFailed, SuiteError, machine_problem
from suite.core.hashing import fingerprint
from suite.evaluation.evaluate import Answering, EvaluationResult


@dataclass
class AnswerCache:
    """A folder of answers that are not scored yet, by a hash of everything that determines them."""

    folder: Path
    key: Mapping[str, Any]
    """What determines an answer besides the request: the model, its stack, the decoding settings."""
    step: str = "none"
    """The evaluation's step, part of the file names: when the step is stored, its files can be removed."""
    files: list[Path] = field(default_factory=list)
    """Files of the answers given so far."""

    def cached(self, lm: Answering) -> CachedLM:
        """Wrap an LM so that it caches its answers and reads cached ones."""
        return CachedLM(lm, self)

    def scored(self) -> None:
        """Remove the cached answers, because they are stored with their scores."""
        for file in self.files:
            with suppress(OSError):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # another process's answers may be in it
            self.folder.rmdir()

    def scoring(self, score: Callable[[], EvaluationResult]) -> EvaluationResult:
        """Call `score` and return its result. Raises StepFailed, in one line, if it fails after all answers are
        given."""
        try:
            return score()
        except (SuiteError, StepFailed):
            raise
        except Exception as error:  # a metric may be the user's and raise anything
            if not self.files or machine_problem(error):
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            location = f"{Path(frame.filename).name}:{frame.lineno}"
            what = f"the answers cannot be scored ({type(error).__name__}: {error}, in {location})"
            fix = "once that is mended, the same command scores the answers that are kept and asks the model nothing"
            raise StepFailed(f"{what}; {fix}") from error


class CachedLM(LM):  # type: ignore[misc]
    """An LM that gives each answer of another LM once and caches it."""

    def __init__(self, lm: Answering, cache: AnswerCache) -> None:
        super().__init__()
        self._lm, self._cache = lm, cache
        self.truncated: set[str] = set()
        self.tokens = 0

    def generate_until(self, requests: list[Instance], **_: Any) -> list[str]:
        """Cached answers of the LM."""
        return self._once("generate_until", requests)

    def loglikelihood(self, requests: list[Instance], **_: Any) -> list[tuple[float, bool]]:
        """Cached log-likelihoods of the LM."""
        return [(score, greedy) for score, greedy in self._once("loglikelihood", requests)]

    def loglikelihood_rolling(self, requests: list[Instance], **_: Any) -> list[float]:
        """Cached rolling log-likelihoods of the LM."""
        return self._once("loglikelihood_rolling", requests)

    def _once(self, kind: str, requests: Sequence[Instance]) -> list[Any]:
        questions = [[request.doc_id, *request.args] for request in requests]
        name = fingerprint({**self._cache.key, "kind": kind, "asked": questions}, 32)
        file = self._cache.folder / f"{name}.{self._cache.step}.json"
        earlier = [file, *sorted(self._cache.folder.glob(f"{name}.*.json"))]  # of the same requests in another step
        file, content = next(((path, read) for path in earlier if (read := _read(path, len(questions)))), (file, None))
        if content is None:
            tokens = self._lm.tokens
            answers = getattr(self._lm, kind)(requests)
            content = {"answers": answers, "truncated": sorted(self._lm.truncated), "tokens": self._lm.tokens - tokens}
            _write(file, content)
        self._cache.files.append(file)
        self.truncated |= set(content["truncated"])
        self.tokens += int(content["tokens"])
        return list(content["answers"])


def _read(file: Path, count: int) -> dict[str, Any] | None:
    try:
        checksum, _, text = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, ValueError):  # missing, or not text
        return None
    if checksum != _checksum(text):  # incomplete, or changed since
        return None
    content: dict[str, Any] = json.loads(text)
    return content if len(content["answers"]) == count else None


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """Write a file atomically. If there is no room, nothing is kept; a failure then costs the time of answering
    again. Two attempts at a step never write to the same file."""
    part = file.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content)
        part.write_text(f"{_checksum(text)}\n{text}", encoding="utf-8")
        os.replace(part, file)
        for left in file.parent.glob(f"{file.stem}.*.part"):  # of attempts that were killed
            left.unlink(missing_ok=True)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
