"""Detect the language of a text among a few candidates with py3langid, which is loaded on first use."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

CODES: Final = frozenset({
    "ace", "af", "am", "an", "ar", "ary", "arz", "as", "az", "ba", "bcl", "be", "bg", "bn", "br", "bs", "ca",
    "crh", "cs", "cy", "da", "de", "dz", "el", "en", "eo", "es", "et", "eu", "ext", "fa", "fi", "fo", "fr",
    "fuv", "fy", "ga", "gcf", "gcr", "gd", "gl", "gom", "grc", "gu", "gug", "guw", "ha", "hbo", "he", "hi",
    "hr", "ht", "hu", "hy", "id", "ig", "is", "it", "ja", "jv", "ka", "kab", "kik", "kk", "km", "kn", "ko",
    "ku", "ky", "la", "lb", "lg", "lij", "ln", "lo", "lt", "ltg", "lv", "mg", "mk", "ml", "mn", "mr", "ms",
    "mt", "my", "ne", "nl", "nn", "no", "nso", "oc", "om", "or", "pa", "pcm", "pl", "ps", "pt", "qu", "ro",
    "ru", "rw", "sa", "sdh", "se", "si", "sk", "sl", "sn", "so", "sq", "sr", "st", "sv", "sw", "ta", "te", "tg",
    "th", "tk", "tl", "tr", "tt", "ug", "uk", "ur", "uz", "uzs", "vec", "vi", "vo", "wa", "wuu", "xh", "yo",
    "yue", "zh", "zu",
})  # fmt: skip
"""Languages that can be detected, as ISO 639 codes. Listed here so that task files are checked without loading the
model; a test compares the lists."""
DEFAULT: Final = "en"
LEAST_WORDS: Final = 3
"""Minimum number of words: a third of single words is recognised wrongly."""
LONGEST: Final = 1000
"""Number of characters that are used: more only cost time."""

_WORD: Final = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=1 << 16)
def language_of(text: str, among: tuple[str, ...]) -> str | None:
    """The language of a text's first non-blank line; None for fewer than three words or no evidence.

    The result is always one of `among`: a text in another language is assigned the nearest of them.
    """
    line = next((line for line in text[:LONGEST].splitlines() if line.strip()), "")
    if len(_WORD.findall(line)) < LEAST_WORDS:
        return None
    ((language, score), *_) = _identifier(among).rank(line)
    return str(language) if score > _no_feature() else None


@lru_cache(maxsize=32)
def _identifier(among: tuple[str, ...]) -> Any:
    from py3langid import langid

    found = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    found.set_languages(among)
    return found


@lru_cache(maxsize=1)
def _no_feature() -> float:
    """The score of a text without any evidence of a language."""
    from py3langid import langid

    return float(langid.RAW_FLOOR)
