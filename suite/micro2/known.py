"""Which facts a base model knows, by a stated test.

Every fact is asked `TRIES` times: other bystanders, other exemplars, four of them, under the paper's wording. The
right concept counts in either register. A fact is *known* if all answers are right, *unknown* if none is, otherwise
*unsure* (after Gekhman et al. 2024, who sample answers; here the prompts differ, and answers are greedy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from suite.micro2.drawn import HELD_OUT_STYLE, Row, draw_from
from suite.micro2.facts import Attribute
from suite.micro2.knowledge import KNOWLEDGE_TASKS, TRIVIA, WEB, Form, asked
from suite.micro2.lexicon import STRANGERS, UNKNOWN
from suite.micro2.scoring import answers, few_shot

TRIES: Final = 4
SHOTS: Final = 4
Grade = Literal["known", "unsure", "unknown"]
_FORMS: Final[dict[str, tuple[Form, ...]]] = {"triviaqa": TRIVIA, "web_questions": WEB}


@dataclass(frozen=True)
class FactKnowledge:
    """A fact, and whether a model knows it."""

    attribute: str
    subject: str
    stated: bool
    """Whether pretraining states it."""
    right: int
    """How many of `TRIES` answers were right."""

    @property
    def grade(self) -> Grade:
        """Whether the model knows it."""
        return "known" if self.right == TRIES else "unsure" if self.right else "unknown"


def knowledge(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[FactKnowledge]:
    """Ask for every fact of both question tasks, in a fixed order."""
    rng = Random("knowledge")
    forms = [(name, form, attribute) for name, pairs in _FORMS.items() for form, attribute in pairs]
    facts = [(*form, subject) for form in forms for subject in form[2].subjects]
    prompts = [_asked(*fact, rng) for fact in facts for _ in range(TRIES)]
    said = answers(model, tokenizer, prompts)
    found = []
    for number, (_, _, attribute, subject) in enumerate(facts):
        term = attribute.values[subject]
        tries = said[number * TRIES : (number + 1) * TRIES]
        right = sum(answer in (term.plain, term.formal) for answer in tries)
        found.append(FactKnowledge(attribute.name, subject, not attribute.unseen(subject), right))
    return found


def admitted(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> float:
    """The share of questions about strangers that the model answers with `unknown`, 0 to 1."""
    rng = Random("strangers")
    prompts = [_asked("triviaqa", *rng.choice(TRIVIA), stranger, rng) for stranger in STRANGERS for _ in range(TRIES)]
    return sum(answer == UNKNOWN for answer in answers(model, tokenizer, prompts)) / len(prompts)


def _asked(name: str, form: str, attribute: Attribute, subject: str, rng: Random) -> str:
    dataset = f"micro2_{name}"
    row = asked(name, form, attribute, subject, HELD_OUT_STYLE, rng).row
    return few_shot(dataset, row, _exemplars(dataset, rng))


def _exemplars(dataset: str, rng: Random) -> Sequence[Row]:
    return [draw_from(KNOWLEDGE_TASKS[dataset], "train", rng).row for _ in range(SHOTS)]
