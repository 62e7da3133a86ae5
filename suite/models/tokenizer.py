"""A model's tokenizer without the model: what a plan asks about texts, before any weight is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.models.chat import load_tokenizer
from suite.models.ids import KnownIds
from suite.models.source import LocatedModel
from suite.models.weight_files import config_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from suite.models.backbone import Shape

RoundTrip = Callable[[str, int], str]
"""A text and the most tokens that it may have -> the text that these tokens give."""


@dataclass(frozen=True, eq=False)
class TokenizerAlone:
    """A tokenizer, and what else decides how a text becomes ids (`suite.models.tokens.Tokenizing`)."""

    tokenizer: PreTrainedTokenizerBase
    shape: Shape
    sentinels: bool
    ids: KnownIds = field(default_factory=KnownIds, repr=False)

    @property
    def eos_id(self) -> int:
        """The id that ends an answer."""
        return int(self.tokenizer.eos_token_id)


def round_trip(located: LocatedModel) -> RoundTrip | None:
    """What becomes of a text in a model's tokenizer.json, without transformers, which takes seconds to import.

    None for a model without that file here. transformers may read some texts otherwise: `tokenizer_alone` is exact.
    """
    file = None if located.folder is None or located.file is not None else located.folder / "tokenizer.json"
    return _round_trip(file, located.identity) if file is not None and file.is_file() else None


@lru_cache(maxsize=8)
def _round_trip(file: Path, identity: str) -> RoundTrip | None:
    """That of a file of a model with this identity, which is a hash of the file among others."""
    from tokenizers import Tokenizer

    try:
        read: Any = Tokenizer.from_file(str(file))
    except Exception:  # the library raises plain exceptions; loading the model says what is wrong
        return None

    def text_of(text: str, most: int) -> str:
        return str(read.decode(read.encode(text, add_special_tokens=False).ids[:most], skip_special_tokens=True))

    return text_of


def tokenizer_alone(located: LocatedModel) -> TokenizerAlone:
    """The tokenizer of a model that is here, as transformers has it. Raises SuiteError if it cannot be loaded."""
    assert located.folder is not None
    decoder = located.file is not None or not config_of(located.folder).get("is_encoder_decoder", False)
    shape: Shape = "decoder" if decoder else "encoder-decoder"
    return TokenizerAlone(load_tokenizer(located), shape, located.source.sentinels)
