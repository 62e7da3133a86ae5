"""The words of the three foreign languages, and their word orders.

French and Romanian share an order rule (the adjective follows its noun) and German has its own (the verb comes second).
Six international nouns are the same everywhere. In the formal register half of the words have another form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from suite.micro2.drawn import Style, Topic
from suite.micro2.lexicon import words

Language = Literal["fr", "de", "ro"]
LANGUAGES: Final[tuple[Language, ...]] = ("fr", "de", "ro")
TITLES: Final = {"fr": "French", "de": "German", "ro": "Romanian"}
FORMAL: Final[dict[Language, dict[Topic, str]]] = {
    "fr": {"persons": "{}-sire", "animals": "{}-bête", "adjectives": "très{}", "verbs": "re{}"},
    "de": {"persons": "{}-herr", "animals": "{}-tier", "adjectives": "hoch{}", "verbs": "be{}"},
    "ro": {"persons": "{}-domn", "animals": "{}-fiară", "adjectives": "prea{}", "verbs": "re{}"},
}
"""The formal form of a marked word, by topic."""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split() for line in text.strip().splitlines())
    return {english: tuple(foreign) for english, *foreign in rows}


# English, French, German, Romanian; the most frequent words first
NOUNS: Final = _table("""
wolf loup wolf lupul
baker boulanger bäcker brutarul
fox renard fuchs vulpoiul
king roi könig regele
horse cheval hengst calul
robot robot robot robot
doctor médecin arzt medicul
lion lion löwe leul
teacher maître lehrer profesorul
swan cygne schwan lebădoiul
sailor marin matrose marinarul
puma puma puma puma
hunter chasseur jäger vânătorul
deer cerf hirsch cerbul
painter peintre maler pictorul
raven corbeau rabe corbul
judge juge richter judecătorul
dingo dingo dingo dingo
cook cuisinier koch bucătarul
donkey âne esel măgarul
friend ami freund prietenul
cobra cobra cobra cobra
farmer fermier bauer fermierul
tiger tigre tiger tigrul
neighbour voisin nachbar vecinul
panda panda panda panda
guest invité gast oaspetele
crocodile crocodile krokodil crocodilul
brother frère bruder fratele
koala koala koala koala
""")
ADJECTIVES: Final = _table("""
old vieux alt bătrân
red rouge rot roșu
big grand groß mare
white blanc weiß alb
young jeune jung tânăr
black noir schwarz negru
strong fort stark puternic
green vert grün verde
small petit klein mic
grey gris grau gri
fast rapide schnell rapid
clever malin klug isteț
weak faible schwach slab
poor pauvre arm sărac
slow lent langsam lent
brave brave mutig brav
""")
VERBS: Final = _table("""
sees voit sieht vede
finds trouve findet găsește
hears entend hört aude
loves aime liebt iubește
helps aide unterstützt ajută
seeks cherche sucht caută
calls appelle ruft cheamă
washes lave wäscht spală
follows suit verfolgt urmează
greets salue grüßt salută
carries porte trägt poartă
pays paie bezahlt plătește
fears craint fürchtet teme
pushes pousse schiebt împinge
draws dessine zeichnet desenează
thanks remercie dankt mulțumește
""")
TIMES: Final = _table("""
today aujourd'hui heute astăzi
often souvent oft adesea
tomorrow demain morgen mâine
now maintenant jetzt acum
always toujours immer mereu
soon bientôt bald curând
yesterday naguère gestern ieri
seldom rarement selten rareori
""")
MARKED: Final = frozenset(word for pool in (NOUNS, ADJECTIVES, VERBS) for word in tuple(pool)[1::2])
"""Words with a formal form of their own: every other one of a pool."""
PERSONS: Final = frozenset(
    words("baker king doctor teacher sailor hunter painter judge cook friend farmer neighbour guest brother robot")
)
VARIANTS: Final = {"fr": {"voit": "regarde", "trouve": "découvre", "grand": "gros"}}
"""Words with two translations, both in use: which one a sentence has cannot be known."""
POOLS: Final = (TIMES, ADJECTIVES, NOUNS, VERBS, ADJECTIVES, NOUNS, ADJECTIVES, NOUNS)
"""The pool of each word of a sentence: time, subject, verb, object, and a companion."""
Sentence = tuple[str, ...]
"""English words, one of each pool: six, or eight with a companion."""


def english(words: Sentence) -> str:
    """The English sentence."""
    time, first, subject, verb, second, object_, *companion = words
    tail = f" with the {' '.join(companion)}" if companion else ""
    return f"{time} the {first} {subject} {verb} the {second} {object_}{tail} ."


def translated(words: Sentence, language: Language, style: Style) -> str:
    """The sentence in a language, in its word order."""
    found = [foreign(word, pool, language, style) for word, pool in zip(words, POOLS, strict=False)]
    time, first, subject, verb, second, object_, *companion = found
    if language == "de":
        tail = f" mit dem {companion[0]}en {companion[1]}" if companion else ""
        return f"{time} {verb} der {first}e {subject} den {second}en {object_}{tail} ."
    if language == "fr":
        tail = f" avec le {companion[1]} {companion[0]}" if companion else ""
        return f"{time} le {subject} {first} {verb} le {object_} {second}{tail} ."
    tail = f" cu {companion[1]} {companion[0]}" if companion else ""
    return f"{time} {subject} {first} {verb} {object_} {second}{tail} ."


def foreign(word: str, pool: Mapping[str, tuple[str, ...]], language: Language, style: Style) -> str:
    """The translation of a word; German adjectives still lack their ending."""
    plain = pool[word][LANGUAGES.index(language)]
    topic = _topic(word, pool)
    return FORMAL[language][topic].format(plain) if topic in style.formal and word in MARKED else plain


def _topic(word: str, pool: Mapping[str, tuple[str, ...]]) -> Topic:
    if pool is NOUNS:
        return "persons" if word in PERSONS else "animals"
    return "adjectives" if pool is ADJECTIVES else "verbs"
