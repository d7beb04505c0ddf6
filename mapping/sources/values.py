"""What an expression of a program is, as far as the readers can tell.

A value is a module, a function or class of an API, an object of one of its classes, or one of the
containers that such objects come in. Values are compared and joined, never executed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from mapping.sources.uses import Api, Confidence

__all__ = [
    "FOREIGN",
    "Kind",
    "Value",
    "array_of",
    "as_sure_as",
    "awaited",
    "item_of",
    "join",
    "likely",
    "local",
    "parts",
]

_MAX_UNION = 6
"""More alternatives than this are as good as not knowing."""


class Kind(StrEnum):
    """What sort of value it is."""

    MODULE = "module"
    FUNCTION = "function"
    CLASS = "class"
    INSTANCE = "instance"
    METHOD = "method"
    PROMISE = "promise"
    MAP = "map"
    ARRAY = "array"
    PAIR = "pair"
    RECORD = "record"
    UNION = "union"
    TEXT = "text"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Value:
    """One value.

    Attributes:
        api: Whose it is; of texts and local functions, any.
        name: Of a function, class, object or method its name (`connect`, `Room`,
            `Room.disconnect`), of a text the text itself, of a local function its key.
        items: What a promise, map or array holds (one), a pair (key and value), the alternatives
            of a union, or the result of a method or local function.
        fields: Of a record, its members.
        confidence: How sure it is.
        why: How it was inferred, for people.
        start: Of a text, the offset of its first character in the source, or -1.
        is_hint: Whether nothing but its name speaks for it.
    """

    api: Api
    kind: Kind
    name: str = ""
    items: tuple[Value, ...] = ()
    fields: tuple[tuple[str, Value], ...] = ()
    confidence: Confidence = Confidence.EXACT
    why: str = ""
    start: int = -1
    is_hint: bool = False

    def field(self, name: str) -> Value | None:
        """The member of a record, or None."""
        for key, value in self.fields:
            if key == name:
                return value
        return None


FOREIGN = Value(Api.BROWSER, Kind.RECORD, why="of another library")
"""What comes from a library that is no SDK; so does all that is reached from it."""


def parts(value: Value | None) -> tuple[Value, ...]:
    """The alternatives of a value: itself, or those of a union."""
    if value is None:
        return ()
    return value.items if value.kind is Kind.UNION else (value,)


def _same(one: Value, other: Value) -> bool:
    return (one.api, one.kind, one.name, one.start, one.items, one.fields) == (
        other.api,
        other.kind,
        other.name,
        other.start,
        other.items,
        other.fields,
    )


def join(one: Value | None, other: Value | None) -> Value | None:
    """The value that is one or the other; the surer one where both are the same."""
    if one is None or other is None:
        return one or other
    if one.is_hint != other.is_hint:
        return other if one.is_hint else one
    alternatives = list(parts(one))
    for new in parts(other):
        for index, old in enumerate(alternatives):
            if _same(old, new):
                if _ORDER[new.confidence] < _ORDER[old.confidence]:
                    alternatives[index] = new
                break
        else:
            if len(alternatives) < _MAX_UNION:
                alternatives.append(new)
    if len(alternatives) == 1:
        return alternatives[0]
    return Value(
        alternatives[0].api,
        Kind.UNION,
        items=tuple(alternatives),
        confidence=max((each.confidence for each in alternatives), key=_ORDER.__getitem__),
        why=alternatives[0].why,
    )


_ORDER = {Confidence.EXACT: 0, Confidence.LIKELY: 1, Confidence.MANUAL: 2}


def likely(value: Value | None, why: str, *, least: Confidence = Confidence.LIKELY) -> Value | None:
    """The value, no surer than `least`, with all it holds."""
    if value is None or value is FOREIGN or value.kind in (Kind.TEXT, Kind.LOCAL):
        return value
    if _ORDER[value.confidence] >= _ORDER[least]:
        return value
    return replace(
        value,
        confidence=least,
        why=value.why or why,
        items=tuple(likely(item, why, least=least) or item for item in value.items),
        fields=tuple((key, likely(item, why, least=least) or item) for key, item in value.fields),
    )


def as_sure_as(value: Value | None, origin: Value) -> Value | None:
    """What was reached from `origin`, no surer than that."""
    return likely(value, origin.why, least=origin.confidence)


def array_of(item: Value | None) -> Value | None:
    """An array of such items."""
    if item is None:
        return None
    return Value(item.api, Kind.ARRAY, items=(item,), confidence=item.confidence, why=item.why)


def item_of(value: Value | None) -> Value | None:
    """What iteration over the value gives, for maps the value and not the pair."""
    result: Value | None = None
    for part in parts(value):
        if part.kind in (Kind.ARRAY, Kind.MAP) and part.items:
            result = join(result, part.items[0])
    return result


def awaited(value: Value | None) -> Value | None:
    """What `await` gives."""
    result: Value | None = None
    for part in parts(value):
        result = join(result, part.items[0] if part.kind is Kind.PROMISE and part.items else part)
    return result


def local(key: str) -> Value:
    """A function of the program itself; `key` finds its node."""
    return Value(Api.BROWSER, Kind.LOCAL, key)
