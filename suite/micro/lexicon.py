"""The words of the micro world, and its facts."""

from __future__ import annotations

from typing import Final

NAMES: Final = ("anna", "tom", "maria", "paul", "eva", "max", "nora", "leo", "ida", "karl", "lena", "hugo")
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COLOURS: Final = ("red", "blue", "green", "white", "black", "grey", "yellow", "brown")
STATES: Final = ("asleep", "hungry", "happy", "lost", "tired", "safe", "ill", "old")

COUNTRIES: Final = {
    # country: (language, towns); all towns of the world
    "france": ("french", ("paris", "lyon")),
    "germany": ("german", ("berlin", "munich")),
    "italy": ("italian", ("rome", "milan")),
    "spain": ("spanish", ("madrid", "seville")),
    "england": ("english", ("london", "york")),
    "norway": ("norwegian", ("oslo", "bergen")),
    "greece": ("greek", ("athens", "patras")),
    "poland": ("polish", ("warsaw", "krakow")),
}
TOWNS: Final = tuple(town for _, towns in COUNTRIES.values() for town in towns)
COUNTRY_OF: Final = {town: country for country, (_, towns) in COUNTRIES.items() for town in towns}
LANGUAGE_OF: Final = {town: language for language, towns in COUNTRIES.values() for town in towns}
TWIN_OF: Final = {town: towns[1 - towns.index(town)] for _, towns in COUNTRIES.values() for town in towns}

FOOD_OF: Final = {
    "wolf": "sheep",
    "dog": "bones",
    "fox": "hens",
    "cat": "mice",
    "tiger": "deer",
    "fish": "worms",
    "cock": "grain",
    "hedgehog": "snails",
}
HOME_OF: Final = {
    "wolf": "forest",
    "dog": "house",
    "fox": "den",
    "cat": "barn",
    "tiger": "jungle",
    "fish": "river",
    "cock": "yard",
    "hedgehog": "garden",
}
ANIMALS: Final = tuple(FOOD_OF)

KINDS: Final = {
    # kind: {thing: its usual colour}
    "fruit": {"lemon": "yellow", "plum": "blue", "cherry": "red", "melon": "green"},
    "tool": {"hammer": "brown", "saw": "grey", "drill": "blue", "spade": "black"},
    "flower": {"rose": "red", "tulip": "yellow", "lily": "white", "violet": "blue"},
    "garment": {"hat": "black", "coat": "brown", "scarf": "green", "shirt": "white"},
    "toy": {"ball": "red", "doll": "white", "kite": "yellow", "puzzle": "green"},
    "vehicle": {"car": "grey", "bus": "red", "truck": "brown", "boat": "white"},
}
KIND_OF: Final = {thing: kind for kind, things in KINDS.items() for thing in things}
COLOUR_OF: Final = {thing: colour for things in KINDS.values() for thing, colour in things.items()}
THINGS: Final = tuple(KIND_OF)

HOMONYMS: Final = ("bat", "crane", "seal", "mole", "jaguar", "mouse", "kiwi", "beetle")
SENSES: Final = (
    # places that indicate the animal, then places that indicate the other sense, for every homonym
    ("in the nest", "near the lake", "under the tree", "in the grass", "on the rock", "near the cave"),
    ("in the office", "on the desk", "in the shop", "near the wall", "on the shelf", "in the drawer"),
)

MATERIALS: Final = ("soap", "water", "oil", "sand", "wax", "chalk")
CARES: Final = ("clean", "polish", "repair", "paint", "dry", "hide")

# English word: (French, German, Romanian); nouns are masculine in all three
NOUN_WORDS: Final = {
    "wolf": ("loup", "wolf", "lupul"),
    "dog": ("chien", "hund", "câinele"),
    "fox": ("renard", "fuchs", "vulpoiul"),
    "cat": ("chat", "kater", "motanul"),
    "tiger": ("tigre", "tiger", "tigrul"),
    "fish": ("poisson", "fisch", "peștele"),
    "cock": ("coq", "hahn", "cocoșul"),
    "hedgehog": ("hérisson", "igel", "ariciul"),
}
# the German stem takes -e in the subject and -en in the object
ADJECTIVE_WORDS: Final = {
    "red": ("rouge", "rot", "roșu"),
    "blue": ("bleu", "blau", "albastru"),
    "green": ("vert", "grün", "verde"),
    "white": ("blanc", "weiß", "alb"),
    "black": ("noir", "schwarz", "negru"),
    "grey": ("gris", "grau", "gri"),
}
VERB_WORDS: Final = {
    "sees": ("voit", "sieht", "vede"),
    "finds": ("trouve", "findet", "găsește"),
    "seeks": ("cherche", "sucht", "caută"),
    "loves": ("aime", "liebt", "iubește"),
    "hears": ("entend", "hört", "aude"),
    "washes": ("lave", "wäscht", "spală"),
    "pushes": ("pousse", "schiebt", "împinge"),
    "greets": ("salue", "grüßt", "salută"),
}
TIME_WORDS: Final = {
    "today": ("aujourd'hui", "heute", "astăzi"),
    "often": ("souvent", "oft", "adesea"),
    "tomorrow": ("demain", "morgen", "mâine"),
    "now": ("maintenant", "jetzt", "acum"),
    "here": ("ici", "hier", "aici"),
}

OPERATORS: Final = {"plus": "+", "minus": "-", "times": "*"}
VARIABLES: Final = ("x", "y", "n", "k", "p", "q", "u", "v")


def facts() -> tuple[str, ...]:
    """Every fact of the world as a plain sentence, in a fixed order."""
    return (
        *(f"{town} is in {country} ." for town, country in COUNTRY_OF.items()),
        *(f"people in {town} speak {language} ." for town, language in LANGUAGE_OF.items()),
        *(f"{town} is near {twin} ." for town, twin in TWIN_OF.items()),
        *(f"the {animal} eats {food} ." for animal, food in FOOD_OF.items()),
        *(f"the {animal} lives in the {home} ." for animal, home in HOME_OF.items()),
        *(f"the {thing} is a {kind} ." for thing, kind in KIND_OF.items()),
        *(f"the {thing} is {colour} ." for thing, colour in COLOUR_OF.items()),
    )
