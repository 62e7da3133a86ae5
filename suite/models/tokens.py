"""Text to token ids, the same for training and for answering."""

from __future__ import annotations

from suite.models.backbone import Backbone

SENTINEL_BEGIN, SENTINEL_END = "<extra_id_0>", "<extra_id_1>"


def encode_prompt(backbone: Backbone, prompt: str) -> list[int]:
    """Ids of a prompt as the model reads it before it answers (with the tokenizer's own special tokens, as in lm-eval).

    An encoder-decoder with sentinels gets ` <extra_id_0>` appended. An empty prompt is the begin or end token.
    """
    (found,) = backbone.ids.of([("prompt", prompt)], lambda _: [_prompt(backbone, prompt)])
    return list(found)


def _prompt(backbone: Backbone, prompt: str) -> list[int]:
    if backbone.sentinels:
        prompt = f"{prompt} {SENTINEL_BEGIN}"
    bos = backbone.tokenizer.bos_token
    twice = backbone.shape == "decoder" and bos is not None and prompt.startswith(bos)
    ids = backbone.tokenizer.encode(prompt, **({"add_special_tokens": False} if twice else {}))
    return [int(token) for token in ids] or [_first_id(backbone)]


def encode_answer(backbone: Backbone, prompt: str, answer: str) -> list[int]:
    """Ids of an answer after a prompt, without the end token.

    A decoder's answer follows after one space, and is what joining the texts adds to the ids of the prompt (lm-eval's
    rule); where the tokenizer merges across the seam, it is the ids of the answer on its own. An encoder-decoder with
    sentinels answers `<extra_id_0> answer <extra_id_1>`.
    """
    (found,) = backbone.ids.of([("answer", prompt, answer)], lambda _: [_answer(backbone, prompt, answer)])
    return list(found)


def _answer(backbone: Backbone, prompt: str, answer: str) -> list[int]:
    encode = backbone.tokenizer.encode
    if backbone.shape == "encoder-decoder":
        text = f"{SENTINEL_BEGIN} {answer} {SENTINEL_END}" if backbone.sentinels else answer
        return [int(token) for token in encode(text, add_special_tokens=False)]
    if not answer:
        return []
    seam = "" if not prompt or prompt[-1].isspace() or answer[:1].isspace() else " "
    context = encode_prompt(backbone, prompt)
    whole = [int(token) for token in encode(prompt + seam + answer)]
    if whole[: len(context)] == context:
        return whole[len(context) :]
    return [int(token) for token in encode(seam + answer, add_special_tokens=False)]


def _first_id(backbone: Backbone) -> int:
    bos = backbone.tokenizer.bos_token_id
    return int(bos) if bos is not None else backbone.eos_id
