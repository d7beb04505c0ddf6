"""Everything that twilio-video 2.36 exports is here, in both spellings, or excluded with a reason.

`twilio_surface.json` has the vendor's names. This asks what `test_names.py` cannot: whether a name
was forgotten altogether.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, get_args

import pytest

import twilio_compat
from twilio_compat.emitter import EventEmitter

HERE = Path(__file__).parent
SURFACE: dict[str, Any] = json.loads((HERE / "twilio_surface.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = json.loads(
    (HERE / "surface_exclusions.json").read_text(encoding="utf-8")
)["twilio-video"]
PATTERNS = [pattern for rule in RULES for pattern in rule["match"]]

# Without a class of their own here: what has their members.
STANDS_FOR = {
    "Track.Kind": "TrackKind",
    "Track.Priority": "TrackPriority",
    "StatsReport": "StatsReport",
}


def snake(name: str) -> str:
    """Python's spelling; a run of capitals is one word."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def spellings(name: str) -> set[str]:
    """What an attribute may be called for either spelling; `from` would be `from_`."""
    return {name, snake(name)}


def is_excluded(owner: str, key: str) -> bool:
    return any(fnmatchcase(key, item) or fnmatchcase(owner, item) for item in PATTERNS)


def entries(part: str, mark: str) -> list[Any]:
    return [
        pytest.param(owner, name, id=f"{owner}{mark}{name}")
        for owner, row in SURFACE["types"].items()
        for name in row.get(part, ())
        if not is_excluded(owner, f"{owner}{mark}{name}")
    ]


def resolve(name: str) -> Any:
    """The class of a type, in the package itself or in the module that has it."""
    for candidate in (STANDS_FOR.get(name, name), name.replace(".", "")):
        found: Any = twilio_compat
        for part in candidate.split("."):
            found = getattr(found, part, None)
        if found is not None:
            return found
    return None


def attributes(kind: type) -> set[str]:
    names = set(dir(kind)) | set(getattr(kind, "__annotations__", ()))
    if dataclasses.is_dataclass(kind):
        names |= {field.name for field in dataclasses.fields(kind)}
    return names


@pytest.mark.parametrize("name", SURFACE["module"])
def test_the_module_has_its_functions_and_constants(name: str) -> None:
    assert spellings(name) <= set(twilio_compat.__all__)


@pytest.mark.parametrize("name", [name for name in SURFACE["types"] if not is_excluded(name, name)])
def test_every_type_can_be_imported(name: str) -> None:
    assert resolve(name) is not None


@pytest.mark.parametrize(("owner", "name"), entries("members", "."))
def test_every_member_has_both_spellings(owner: str, name: str) -> None:
    assert spellings(name) <= attributes(resolve(owner))


@pytest.mark.parametrize(("owner", "name"), entries("events", "#"))
def test_every_event_can_be_listened_to_in_both_spellings(owner: str, name: str) -> None:
    kind = resolve(owner)
    assert issubclass(kind, EventEmitter)
    assert kind.__events__[snake(name)] == name


@pytest.mark.parametrize(("owner", "value"), entries("values", "="))
def test_every_value_can_be_named(owner: str, value: object) -> None:
    kind = resolve(owner)
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    values = [member.value for member in kind] if is_enum else list(get_args(kind))
    assert value in values


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["match"][0])
def test_every_exclusion_says_what_and_why(rule: dict[str, Any]) -> None:
    assert set(rule) == {"match", "reason"}
    assert len(rule["reason"]) > 10


def test_nothing_is_excluded_twice_or_for_nothing() -> None:
    assert [item for item, count in Counter(PATTERNS).items() if count > 1] == []
    keys = {
        f"{owner}{mark}{name}"
        for owner, row in SURFACE["types"].items()
        for part, mark in (("members", "."), ("events", "#"), ("values", "="))
        for name in row.get(part, ())
    } | set(SURFACE["types"])
    assert [item for item in PATTERNS if not any(fnmatchcase(key, item) for key in keys)] == []
