"""Extend the bundled decoder's vocabulary by words of other texts, to try suite on the user's data.

Its vocabulary is that of the micro world; any other word is one unknown token. New words get seeded random embeddings,
so the model knows nothing about them before training. Its other knowledge is kept.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

MOST: Final = 6000
"""Maximum number of new words, the most frequent first."""
_BETWEEN: Final = re.compile(r"[ \n]+")
"""Separators of its tokenizer; everything else is part of a word."""


def with_words(texts: Iterable[str], source: Path, folder: Path, *, always: Iterable[str] = (), seed: int = 0) -> int:
    """Write the model of one folder into another, with the words of some texts. Returns the number of new words.

    `always` are texts whose words come first, such as the answers: a model can only write words in its vocabulary.
    """
    import torch
    from safetensors.torch import load_file, save_file

    folder.mkdir(parents=True, exist_ok=True)
    for file in source.glob("*.json"):
        shutil.copyfile(file, folder / file.name)
    tokenizer = _json(folder / "tokenizer.json")
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    first, rest = (Counter(word for text in some for word in _BETWEEN.split(text)) for some in (always, texts))
    ordered = [*sorted(first), *sorted(rest, key=lambda word: (-rest[word], word))]
    words = [word for word in dict.fromkeys(ordered) if word and word not in vocabulary][:MOST]
    vocabulary.update({word: len(vocabulary) + number for number, word in enumerate(words)})
    _write(folder / "tokenizer.json", tokenizer)
    weights = load_file(source / "model.safetensors")
    drawn = torch.Generator().manual_seed(seed)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        matrix = weights[name].float()
        new = torch.randn(len(words), matrix.shape[1], generator=drawn) * matrix.std()
        weights[name] = torch.cat([matrix, new]).half()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = _json(folder / "config.json")
    _write(folder / "config.json", {**config, "vocab_size": len(weights["lm_head.weight"])})
    return len(words)


def _json(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
