"""The list of what `acs_core` does not have of ACS's surface is well-formed and honest."""

from __future__ import annotations

import json
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import acs_core
from acs_core import Features

DATA: dict[str, Any] = json.loads(
    (Path(__file__).parent / "surface_exclusions.json").read_text(encoding="utf-8")
)
RULES = [(package, rule) for package in DATA if package[0] == "@" for rule in DATA[package]]


def patterns(rule: dict[str, Any]) -> list[str]:
    return [rule["match"]] if isinstance(rule["match"], str) else rule["match"]


@pytest.mark.parametrize(("package", "rule"), RULES)
def test_every_exclusion_says_what_and_why(package: str, rule: dict[str, Any]) -> None:
    assert set(rule) == {"match", "reason"}
    assert len(rule["reason"]) > 10
    assert all(isinstance(item, str) and item for item in patterns(rule))


def test_nothing_is_excluded_twice() -> None:
    counts = Counter((package, item) for package, rule in RULES for item in patterns(rule))
    assert [item for item, count in counts.items() if count > 1] == []


def test_no_class_that_exists_is_excluded() -> None:
    whole = [item for _, rule in RULES for item in patterns(rule) if not set(item) & set(".#=")]
    excluded = {
        name
        for name in acs_core.__all__
        for pattern in whole
        if fnmatchcase(name, pattern) and not name.startswith("Serialized")
    }
    # Enums that say which kind something is are no `...Kind` types of identifiers.
    assert excluded <= {
        "CallAgentKind",
        "CallKind",
        "CaptionsKind",
        "IncomingCallKind",
        "PublicationKind",
    }
    assert not any(fnmatchcase(key, pattern) for key in vars(Features) for pattern in whole)
