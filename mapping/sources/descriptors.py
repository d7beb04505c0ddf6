"""How a file tells other files what it exports, as text.

`twilio-video:*` is the whole package, `twilio-video:connect` a name of it, `twilio-video:=Room` an
object, `twilio-video:()Promise<Room>` a function that gives one.
"""

from __future__ import annotations

from mapping.sources.types import table
from mapping.sources.uses import Api
from mapping.sources.values import Kind, Value

__all__ = ["describe", "undescribe"]


def _type_text(value: Value) -> str:
    inner = _type_text(value.items[0]) if value.items else ""
    match value.kind:
        case Kind.INSTANCE:
            return value.name
        case Kind.PROMISE | Kind.ARRAY | Kind.MAP if inner:
            return f"{value.kind.value.capitalize()}<{inner}>"
        case Kind.UNION:
            texts = [text for text in map(_type_text, value.items) if text]
            return " | ".join(texts)
        case Kind.RECORD:
            members = [
                f"{name}: {text}" for name, item in value.fields if (text := _type_text(item))
            ]
            return "{ " + "; ".join(members) + " }" if members else ""
        case _:
            return ""


def describe(value: Value) -> str:
    """The text of a value, or an empty one for what cannot be told."""
    match value.kind:
        case Kind.MODULE:
            return f"{value.api}:*"
        case Kind.FUNCTION | Kind.CLASS:
            return f"{value.api}:{value.name}"
        case Kind.METHOD if value.items and (inner := _type_text(value.items[0])):
            return f"{value.api}:(){inner}"
        case _:
            text = _type_text(value)
            return f"{value.api}:={text}" if text else ""


def undescribe(text: str) -> Value | None:
    """The value of a text, or None."""
    vendor, _, rest = text.partition(":")
    api = Api(vendor)
    if rest == "*":
        return Value(api, Kind.MODULE)
    if rest.startswith("="):
        return table(api).value_of(rest[1:])
    if rest.startswith("()"):
        result = table(api).value_of(rest[2:])
        return None if result is None else Value(api, Kind.METHOD, items=(result,))
    return table(api).exported(rest) or Value(api, Kind.CLASS, rest)
