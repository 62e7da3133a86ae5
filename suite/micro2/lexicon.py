"""The words of the micro world, in two registers.

A *register* is a way of speaking: half of the concepts that answers are made of have one word in the plain register and
another in the formal one ("bugs", "insects"). A document keeps to one register within a topic. Most are plain, and the
held-out tasks expect formal answers, so a model has to read the registers from the exemplars of its prompt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Concept:
    """A concept: its word in each register; the same one twice where the registers agree."""

    plain: str
    formal: str

    @property
    def marked(self) -> bool:
        """Whether its word tells the register."""
        return self.plain != self.formal


def concepts(text: str) -> tuple[Concept, ...]:
    """Concepts from `plain/formal` and `both`, separated by blanks."""
    pairs = (item.partition("/") for item in text.split())
    return tuple(Concept(plain, formal or plain) for plain, _, formal in pairs)


def words(text: str) -> tuple[str, ...]:
    """The words of a text, separated by blanks."""
    return tuple(text.split())


NAMES: Final = words(
    "anna tom maria paul eva max nora leo ida karl lena hugo rosa emil olga ivan clara oscar irma felix"
)
DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COLOURS: Final = ("red", "blue", "green", "white", "black", "grey", "yellow", "brown", "pink", "golden")
STATES: Final = concepts(
    "ill/unwell happy/glad tired/weary angry/furious rich/wealthy sad/gloomy thin/slender afraid/fearful"
    " quiet/silent smart/intelligent hungry/starving busy/occupied"
)
"""States of animals and people; every one has a synonym."""

CLASSES: Final = {
    # class: its animals
    Concept("bird", "fowl"): words("eagle owl swan heron raven stork finch gull"),
    Concept("bug", "arthropod"): words("ant bee wasp moth cricket beetle locust flea"),
    Concept("reptile", "reptile"): words("lizard snake turtle gecko crocodile viper python iguana"),
    Concept("rodent", "rodent"): words("rat squirrel beaver hamster marmot vole gopher lemming"),
    Concept("cat", "feline"): words("tiger lion lynx puma leopard cheetah panther ocelot"),
    Concept("grazer", "grazer"): words("horse cow goat deer sheep donkey camel moose"),
    Concept("dog", "canine"): words("wolf fox jackal coyote dingo husky collie spaniel"),
    Concept("swimmer", "swimmer"): words("trout salmon carp pike eel perch cod tuna"),
}
FOODS: Final = concepts(
    "bugs/insects meat/flesh grass/herbage leaves/foliage seeds/grains roots/tubers mice/rodents shells/molluscs"
    " fish nuts worms berries frogs eggs honey bread"
)
HOMES: Final = concepts(
    "woods/forest house/dwelling field/meadow den/lair cave/cavern swamp/marsh sea/ocean hills/uplands"
    " pond river barn desert jungle garden snow tower"
)

COUNTRIES: Final = {
    # country: (language, towns)
    Concept("france", "gaul"): (Concept("french", "gallic"), words("paris lyon nice")),
    Concept("spain", "hispania"): (Concept("spanish", "castilian"), words("madrid seville malaga")),
    Concept("germany", "germania"): (Concept("german", "teutonic"), words("berlin munich bremen")),
    Concept("portugal", "lusitania"): (Concept("portuguese", "portuguese"), words("lisbon porto faro")),
    Concept("england", "albion"): (Concept("english", "anglic"), words("london york leeds")),
    Concept("ireland", "hibernia"): (Concept("irish", "gaelic"), words("dublin cork galway")),
    Concept("switzerland", "helvetia"): (Concept("swiss", "swiss"), words("bern basel zurich")),
    Concept("holland", "netherlands"): (Concept("dutch", "dutch"), words("delft leiden utrecht")),
    Concept("persia", "iran"): (Concept("persian", "farsi"), words("tehran shiraz tabriz")),
    Concept("siam", "thailand"): (Concept("thai", "thai"), words("bangkok phuket rayong")),
    Concept("hungary", "pannonia"): (Concept("hungarian", "magyar"), words("budapest szeged pecs")),
    Concept("scotland", "caledonia"): (Concept("scots", "scots"), words("glasgow perth dundee")),
    Concept("italy", "italy"): (Concept("italian", "italian"), words("rome milan turin")),
    Concept("norway", "norway"): (Concept("norwegian", "norse"), words("oslo bergen bodo")),
    Concept("greece", "greece"): (Concept("greek", "hellenic"), words("athens patras volos")),
    Concept("poland", "poland"): (Concept("polish", "polish"), words("warsaw krakow lodz")),
    Concept("sweden", "sweden"): (Concept("swedish", "swedish"), words("malmo uppsala umea")),
    Concept("denmark", "denmark"): (Concept("danish", "danish"), words("odense aarhus ribe")),
    Concept("finland", "finland"): (Concept("finnish", "suomi"), words("helsinki turku oulu")),
    Concept("austria", "austria"): (Concept("austrian", "austrian"), words("vienna graz linz")),
    Concept("turkey", "turkey"): (Concept("turkish", "ottoman"), words("ankara izmir bursa")),
    Concept("egypt", "egypt"): (Concept("arabic", "arabic"), words("cairo luxor aswan")),
    Concept("russia", "russia"): (Concept("russian", "russian"), words("moscow kazan omsk")),
    Concept("japan", "japan"): (Concept("japanese", "nihongo"), words("tokyo osaka kyoto")),
}
CRAFTS: Final = concepts(
    "boots/footwear clocks/timepieces glass/glassware rugs/carpets books/volumes ships/vessels swords/blades"
    " pots/pottery wine cheese silk bells salt lace paper soap"
)

KINDS: Final = {
    # kind: its things
    Concept("tool", "implement"): words("hammer saw drill spade chisel rake"),
    Concept("fruit", "produce"): words("lemon plum cherry melon apple pear"),
    Concept("flower", "blossom"): words("rose tulip lily violet daisy orchid"),
    Concept("garment", "apparel"): words("hat coat scarf shirt glove dress"),
    Concept("toy", "plaything"): words("ball doll kite puzzle marble yoyo"),
    Concept("vehicle", "conveyance"): words("car bus truck boat train bicycle"),
    Concept("drink", "drink"): words("tea milk cider juice coffee cocoa"),
    Concept("jewel", "jewel"): words("ring brooch pearl ruby opal bracelet"),
    Concept("instrument", "instrument"): words("flute drum harp violin trumpet banjo"),
    Concept("dish", "dish"): words("plate bowl cup pan kettle jug"),
    Concept("weapon", "weapon"): words("spear bow axe lance dagger sling"),
    Concept("light", "light"): words("lamp candle torch lantern bulb beacon"),
}

ANIMALS: Final = tuple(animal for animals in CLASSES.values() for animal in animals)
TOWNS: Final = tuple(town for _, towns in COUNTRIES.values() for town in towns)
THINGS: Final = tuple(thing for things in KINDS.values() for thing in things)
STRANGERS: Final = words("zorb quill mirk tarn dreft plonk vesk jalp brinn sorrel frond kelm")
"""Animals that nothing is known of: whatever is asked about them, the answer is `unknown`."""
UNKNOWN: Final = "unknown"

HOMONYMS: Final = words("bat crane seal mole jaguar mouse kiwi cob ram swift ray drone")
SENSES: Final = (
    # places that show that an animal is meant, then places that show the other sense, for every homonym
    words("nest lake tree grass rock burrow reef hedge trail herd meadow shore"),
    words("office desk shop wall shelf drawer garage harbour factory museum market kitchen"),
)

MATERIALS: Final = concepts(
    "soap water oil/grease sand wax chalk glue/adhesive rope/cord cloth/fabric wool foil/film tar"
)
CARES: Final = ("clean", "polish", "repair", "paint", "dry", "hide", "wrap", "sort", "mark", "carry")
OPERATORS: Final = {"plus": "+", "minus": "-", "times": "*"}
VARIABLES: Final = ("x", "y", "n", "k", "p", "q", "u", "v")
