"""Words, kinds of calls, what is out of scope, and platforms: what no single name stands for.

The data is `data/concepts.toml`; documents are made from it, and tests check that the names which
it joins have rows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

from mapping.load import DATA, MappingDataError

__all__ = [
    "CallType",
    "CallTypeRow",
    "Concepts",
    "Outside",
    "Platform",
    "Term",
    "load_concepts",
]

FILE: Final = "concepts.toml"

_T = TypeVar("_T")


class CallType(StrEnum):
    """Kinds of calls, as ACS' overview tells them apart."""

    VOIP = "voip"
    PSTN = "pstn"
    ONE_TO_ONE = "one-to-one"
    GROUP = "group"
    ROOMS = "rooms"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary.

    Attributes:
        word: As this library uses it.
        means: What it is, in sentences.
        twilio: Names of Twilio Video that are it; each has a row.
        acs: The same for ACS Calling.
        videosdk: The same for VideoSDK.
        note: What is easily confused; may be empty.
    """

    word: str
    means: str
    twilio: tuple[str, ...] = ()
    acs: tuple[str, ...] = ()
    videosdk: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class CallTypeRow:
    """A kind of call in each vendor's words.

    Attributes:
        proof: Tests that show it, as pytest names them, without parameters.
    """

    type: CallType
    means: str
    twilio: str
    acs: str
    videosdk: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """Something of the vendors' that is not mapped, and why.

    Attributes:
        id: A word to speak of it.
        what: Its name.
        vendors: Who has it, and for which platform.
        why: Why it does not apply, or is out of scope.
        instead: What takes its place; may be empty.
        features: Rows of the feature list about it.
    """

    id: str
    what: str
    vendors: str
    why: str
    instead: str = ""
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that the vendors' guides are written for.

    Attributes:
        is_mapped: Whether the mapping has rows for it.
        why: Why, or why not.
        tutorials: Documents about it: path below `mapping/docs` -> title.
    """

    name: str
    is_mapped: bool
    why: str
    tutorials: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Concepts:
    """All of the file, in its order."""

    terms: tuple[Term, ...]
    call_types: tuple[CallTypeRow, ...]
    outside: tuple[Outside, ...]
    platforms: tuple[Platform, ...]


def load_concepts(path: Path = DATA / FILE) -> Concepts:
    """Read the file.

    Raises:
        MappingDataError: It is no TOML, or an entry lacks a key or has an unknown one.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise MappingDataError(path.name, "", str(error)) from error

    def entries(kind: str, make: Callable[[str, dict[str, Any]], _T]) -> tuple[_T, ...]:
        found = []
        for key, table in tables.get(kind, {}).items():
            values = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
            try:
                found.append(make(key, values))
            except (TypeError, ValueError) as error:
                raise MappingDataError(path.name, f"{kind}.{key}", str(error)) from error
        return tuple(found)

    return Concepts(
        terms=entries("term", lambda key, values: Term(word=key, **values)),
        call_types=entries(
            "call_type", lambda key, values: CallTypeRow(type=CallType(key), **values)
        ),
        outside=entries("outside", lambda key, values: Outside(id=key, **values)),
        platforms=entries("platform", lambda key, values: Platform(name=key, **values)),
    )
