"""The fields of specs, tracks, claims, paper tables and methods, from the schemas that `suite schema` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docsite.markdown import code, plain, table, target
from suite.core.block import Block

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """A key that a file may have."""

    path: str
    """From the top of the file, `[]` for each entry of a list: `claims[].id`."""
    key: str
    """The same, with the variant's name where two variants share a field: `stage_one.lora.rank`."""
    type: str
    default: str
    about: str


@dataclass(frozen=True)
class Section:
    """A block of a file and its fields."""

    path: str
    """Where it stands; empty for the file itself."""
    key: str
    variant: str
    """Which of several blocks that may stand there: `name: lora`."""
    about: str
    fields: tuple[Field, ...]

    @property
    def title(self) -> str:
        """The heading."""
        return f"`{self.path}`" + (f" with `{self.variant}`" if self.variant else "")


def sections(block: type[Block], path: str = "") -> tuple[Section, ...]:
    """The block's own fields, then those of every block within it; `path` is where it stands in the file."""
    schema = block.model_json_schema()
    return tuple(_sections(schema, schema.get("$defs", {}), path, path, ""))


def page(block: type[Block], page_name: str, path: str = "") -> str:
    """The sections of a block as Markdown; `page_name` begins the names of the fields' anchors."""
    first, *inner = sections(block, path)
    return "\n\n".join([_fields(first, page_name), *(_section(each, page_name) for each in inner)])


def _section(section: Section, page_name: str) -> str:
    heading = f"## {section.title} {{ #{anchor(page_name, section.key)}-block }}"
    return f"{heading}\n\n{section.about}\n\n{_fields(section, page_name)}"


def _fields(section: Section, page_name: str) -> str:
    rows = [
        (f"{target(anchor(page_name, field.key))}`{field.path}`", field.type, field.default, field.about)
        for field in section.fields
    ]
    return table(("field", "type", "default", "meaning"), rows)


def anchor(page_name: str, key: str) -> str:
    """The name of a field's or a block's place on a page."""
    return f"{page_name}.{key}".replace("[]", "")


def _sections(schema: Schema, blocks: Mapping[str, Schema], path: str, key: str, variant: str) -> Iterator[Section]:
    required, given = schema.get("required", ()), schema.get("properties", {})
    fields = tuple(_field(_join(path, name), _join(key, name), each, name in required) for name, each in given.items())
    yield Section(path, key, variant, str(schema.get("description", "")), fields)
    for name, each in given.items():
        inner = list(_blocks(each))
        for block, suffix in inner:
            variant = _variant(blocks[block]) if len(inner) > 1 else ""
            below = _join(key, name) + suffix + (f".{variant.rpartition(' ')[2]}" if variant else "")
            yield from _sections(blocks[block], blocks, _join(path, name) + suffix, below, variant)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _field(path: str, key: str, schema: Schema, required: bool) -> Field:
    default = "required" if required else _default(schema)
    return Field(path, key, _type(schema), default, plain(str(schema.get("description", ""))))


def _default(schema: Schema) -> str:
    value = schema.get("default")
    if isinstance(value, Mapping) and list(_blocks(schema)):
        return "the defaults below"
    return "empty" if value is None and "default" not in schema else code(value)


def _variant(block: Schema) -> str:
    """What tells a block from the others that may stand in its place: its constant field, or its own name."""
    constants = [f"{name}: {each['const']}" for name, each in block.get("properties", {}).items() if "const" in each]
    return constants[0] if constants else str(block["title"])


def _blocks(schema: Schema) -> Iterator[tuple[str, str]]:
    """The blocks within a field, by their names in the schema, and what follows the field's path: `[]` in a list."""
    if "$ref" in schema:
        yield schema["$ref"].rpartition("/")[2], ""
    for key in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(key, ()):
            yield from _blocks(each)
    if isinstance(schema.get("items"), Mapping):
        yield from ((name, "[]" + suffix) for name, suffix in _blocks(schema["items"]))
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from ((name, ".NAME" + suffix) for name, suffix in _blocks(schema["additionalProperties"]))


def _type(schema: Schema) -> str:
    """A field's type in words."""
    if "$ref" in schema:
        return "block"
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return " or ".join(map(code, schema["enum"]))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[key])))
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}" if "items" in schema else "list"
        case "object":
            inner = schema.get("additionalProperties", True)
            return f"mapping to {_type(inner)}" if isinstance(inner, Mapping) else "mapping"
        case "integer" | "number" as kind:
            return ("whole number" if kind == "integer" else "number") + _bounds(schema)
        case "string":
            return "text"
        case "boolean":
            return "`true` or `false`"
        case "null":
            return "`null`"
    return "any"


def _bounds(schema: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    given = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    return " " + " and ".join(given) if given else ""
