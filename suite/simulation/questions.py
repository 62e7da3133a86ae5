"""The questions of a task as ids: how long the prompts are, and what follows them."""

from __future__ import annotations

from suite.models.backbone import Backbone
from suite.models.tokens import encode_prompts
from suite.simulation.answering import Question
from suite.tasks.load import LoadedTask, quiet
from suite.tasks.reading import new_tokens
from suite.tasks.training_text import prompt_text

EXAMINED = 500
"""Documents whose prompts are encoded."""


def questions_of(task: LoadedTask, shots: int, backbone: Backbone, max_length: int) -> list[Question]:
    """The first documents' questions, cut as evaluation cuts them."""
    docs = task.eval_docs[:EXAMINED]
    with quiet():
        prompts = encode_prompts(backbone, [prompt_text(task, doc, shots) for doc in docs])
    positions = min(max_length, backbone.max_length)
    questions = []
    for doc, prompt in zip(docs, prompts, strict=True):
        choices = list(task.doc_to_choice(doc)) if task.OUTPUT_TYPE == "multiple_choice" else []
        if choices:
            limit = max(len(ids) for ids in encode_prompts(backbone, [str(choice) for choice in choices]))
        else:
            limit = new_tokens(task.config.generation_kwargs or {})
        room = positions if backbone.shape == "encoder-decoder" else max(1, positions - limit)
        questions.append(Question(prompt[-room:], limit, len(choices)))
    return questions
