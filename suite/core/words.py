"""Split texts into words for BLEU, TER and ROUGE, by the field's tools if they suit the language.

BLEU and TER use sacrebleu's default (`13a`) for languages with spaces; ROUGE uses rouge-score's tokenizer (ASCII
letters and digits) for English. For other languages rouge-score drops letters. In languages without spaces both
tokenizers see one word per sentence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

DEFAULT_BLEU: Final = "13a"
DEFAULT_ROUGE: Final = "ascii"

_ENGLISH: Final = "en"
_MORPHEMES: Final = {"ja": ("ja-mecab", "ja"), "ko": ("ko-mecab", "ko")}
"""Language -> sacrebleu's tokenizers by preference, and the extra of sacrebleu that they need."""
_CHINESE: Final = frozenset({"zh", "yue", "wuu"})
_WITHOUT_SPACES: Final = frozenset({"ja", "th", "lo", "km", "my", "dz", "bo"}) | _CHINESE

_CONTINUOUS: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""Beginnings of the names of characters of scripts without spaces between words."""
_ASCII: Final = re.compile(r"[a-z0-9]+")


def bleu_tokenizer(language: str) -> str:
    """sacrebleu's tokenizer for a language; `char` if the suitable one is not installed."""
    if language in _CHINESE:
        return "zh"
    if language in _MORPHEMES:
        name, _ = _MORPHEMES[language]
        return name if _works(name) else "char"
    return "char" if language in _WITHOUT_SPACES else DEFAULT_BLEU


def tokenizer_of(config: Mapping[str, Any], metric: str) -> str:
    """The tokenizer of an evaluation's BLEU or TER; a step's configuration only names one other than the default."""
    return str((config.get("words") or {}).get(metric, DEFAULT_BLEU))


def can_split(tokenizer: str) -> bool:
    """Whether a tokenizer of sacrebleu is installed."""
    return tokenizer == DEFAULT_BLEU or _works(tokenizer)


def missing_tokenizer(language: str) -> str | None:
    """What to install to split a language into words instead of characters; None if nothing is missing."""
    if language not in _MORPHEMES or bleu_tokenizer(language) != "char":
        return None
    return f"pip install 'sacrebleu[{_MORPHEMES[language][1]}]'"


def rouge_tokenizer(language: str) -> str:
    """`ascii` (rouge-score's own) for English, `characters` for languages without spaces, otherwise `unicode`."""
    if language in _WITHOUT_SPACES:
        return "characters"
    return DEFAULT_ROUGE if language == _ENGLISH else "unicode"


def lost_letters(text: str, tokenizer: str) -> int:
    """Number of letters that a BLEU or ROUGE tokenizer drops or merges into one word per sentence."""
    if text.isascii() or tokenizer not in (DEFAULT_ROUGE, "unicode", DEFAULT_BLEU):
        return 0
    if tokenizer == DEFAULT_ROUGE:
        return sum(each.isalpha() and not each.isascii() for each in text)
    return sum(each.isalpha() and continuous(each) for each in text)


def continuous(character: str) -> bool:
    """Whether a character's script has no spaces between words."""
    return ord(character) > 0x0E00 and unicodedata.name(character, "").startswith(_CONTINUOUS)


def composed(text: str) -> str:
    """Compose a text (NFC), so that encodings of an accented letter are equal."""
    return unicodedata.normalize("NFC", text)


def bleu_words(text: str, tokenizer: str) -> list[str]:
    """The words of a text as BLEU counts them."""
    return str(_sacrebleu(tokenizer)(composed(text).rstrip())).split()


def rouge_words(text: str, tokenizer: str) -> list[str]:
    """The words of a text as ROUGE counts them."""
    text = text.lower()
    if tokenizer == DEFAULT_ROUGE:
        return _ASCII.findall(text)
    words = _unicode_words(composed(text))
    if tokenizer == "unicode":
        return words
    return [part for word in words for part in ([word] if word.isascii() else _characters(word))]


def _unicode_words(text: str) -> list[str]:
    """Sequences of letters, digits and combining marks, in any script."""
    kept = "".join(each if each.isalnum() or unicodedata.category(each)[0] == "M" else " " for each in text)
    return kept.split()


def _characters(word: str) -> Sequence[str]:
    """Each letter with its combining marks."""
    found: list[str] = []
    for each in word:
        if found and unicodedata.category(each)[0] == "M":
            found[-1] += each
        else:
            found.append(each)
    return found


@cache
def _sacrebleu(name: str) -> Callable[[str], Any]:
    from sacrebleu.metrics import BLEU

    made: Callable[[str], Any] = BLEU(tokenize=name, force=True).tokenizer
    return made


@cache
def _works(name: str) -> bool:
    """Whether a tokenizer of sacrebleu and its dictionary are installed."""
    try:
        _sacrebleu(name)("a")
    except Exception:  # RuntimeError or ImportError without the package, others without the dictionary
        return False
    return True
