"""Option bags: reading them, whatever they are for.

A bag is a mapping in Twilio's spelling or in ours; keywords say the same. Unknown keys are errors,
because a misspelled one would be without effect; known ones without effect here are warned of.

Source: twilio-video.js 2.36; texts of the errors from `lib/util/constants.js`.
"""

from __future__ import annotations

import difflib
import logging
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias, TypeVar

__all__ = ["NO_NAMES", "OptionBag", "constraint", "flag", "merge", "optional", "snake_case"]

_log = logging.getLogger(__name__)

OptionBag: TypeAlias = Mapping[str, Any]
_T = TypeVar("_T")

NO_NAMES: Final[frozenset[str]] = frozenset()
"""Of a bag in which every key has an effect."""


def snake_case(name: str) -> str:
    """Convert Twilio's spelling of a name: `maxAudioBitrate` becomes `max_audio_bitrate`.

    Names that begin with a capital stay as they are.
    """
    if name[:1].isupper():
        return name
    return re.sub(r"(?<!^)([A-Z])", lambda match: f"_{match[1].lower()}", name)


def merge(
    name: str,
    bag: object,
    keywords: Mapping[str, Any],
    known: Collection[str],
    ignored: Collection[str],
    unused: Collection[str],
) -> dict[str, Any]:
    """Join bag and keywords under snake_case names, without what is ignored.

    Args:
        name: What the bag is called in errors.
        bag: An object, or None for nothing.
        keywords: The same, as keywords.
        known: Keys that are read.
        ignored: Keys that ask for what is so here anyway.
        unused: Keys without effect here, which is logged unless their value is None or False; a
            mapping says of each what to know or do instead.

    Raises:
        TypeError: It is no object, a key is unknown or given twice.
    """
    if bag is None:
        bag = {}
    if not isinstance(bag, Mapping):
        raise TypeError(f"{name} must be an object")
    values: dict[str, Any] = {}
    for given, value in [*bag.items(), *keywords.items()]:
        key = snake_case(str(given))
        if key not in known and key not in ignored and key not in unused:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = (
                f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(known))}."
            )
            raise TypeError(f"{name} has no key {given!r}.{advice}")
        if key in values:
            raise TypeError(f"{name}.{given} is given twice")
        if key in unused and value is not None and value is not False:
            advice = unused[key] if isinstance(unused, Mapping) else ""
            _log.warning("%s", f"{name}.{given} has no effect here. {advice}".rstrip())
        if key in known:
            values[key] = value
    return values


def flag(values: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """Read a boolean; anything else is a TypeError."""
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be a boolean")
    return value


def optional(values: Mapping[str, Any], key: str, kind: type[_T]) -> _T | None:
    """Read a value of one type, or None; anything else is a TypeError."""
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, kind):
        raise TypeError(f"{key} must be a {kind.__name__}")
    return value


def constraint(values: Mapping[str, Any], key: str, kind: type[_T]) -> _T | None:
    """Read a media constraint (W3C Media Capture and Streams, `ConstrainULong` and others)."""
    value = values.get(key)
    if isinstance(value, Mapping):
        value = value.get("exact", value.get("ideal"))
    if kind is float and isinstance(value, int):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"{key} must be a finite number")
    return optional({key: value}, key, kind)
