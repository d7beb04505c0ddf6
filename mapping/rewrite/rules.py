"""The rules of the codemod: `mapping/data/rewrites/*.toml`.

A file's table `[file]` holds what all its rules share; a rule says which symbols it is about and
what is done with them. What cannot be said by a rule is done by a function of `actions`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from mapping.rewrite.syntax import Language
from mapping.sources.uses import Api, Use, UseKind

__all__ = ["DATA", "RewriteRule", "RuleError", "Target", "load_rules", "read_rules"]

DATA: Final = Path(__file__).parents[1] / "data" / "rewrites"


class RuleError(ValueError):
    """A rule is wrong; the message names file and rule."""


class Target(StrEnum):
    """What a program is to become.

    `SERVER`: it keeps its SDK and talks to a server of its own (tier 0). `TWILIO_COMPAT`: Python
    with Twilio's names, on `twilio_compat` (tier 1). `ACS_CORE`: Python on `acs_core` (tier 2).
    `ACS_TODAY`: names of ACS' beta become today's.
    `AZURE_SERVER`: back ends with Azure's clients talk to a server of their own. `CORRECT`: names
    that never existed become those that were meant.
    """

    SERVER = "server"
    TWILIO_COMPAT = "twilio_compat"
    ACS_CORE = "acs_core"
    ACS_TODAY = "acs-today"
    AZURE_SERVER = "azure-server"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class RewriteRule:
    """One rule.

    Attributes:
        id: Stable, as `ACSB-AGENT-001`; comments for people name it.
        target: What it is a part of.
        languages: In which it applies.
        apis: Whose names it is about; empty for a rule about whole files.
        symbols: Which of them, as in `Use.symbol`. `*#*` stands for all events.
        kinds: Kinds of use; empty for all.
        action: Key of `mapping.rewrite.actions.ACTIONS`.
        to: The new name, where the action wants one.
        values: What else the action wants.
        note: What a person has to decide, where the action cannot do it.
        why: The reason, for people.
        doc: Id of the row or page about it.
        source: Page or package that says so.
    """

    id: str
    target: Target
    languages: frozenset[Language]
    apis: frozenset[Api]
    symbols: frozenset[str]
    kinds: frozenset[UseKind]
    action: str
    to: str
    values: Mapping[str, str]
    note: str
    why: str
    doc: str
    source: str

    def is_about(self, use: Use) -> bool:
        """Whether a use is one of its symbols."""
        if use.api not in self.apis or (self.kinds and use.kind not in self.kinds):
            return False
        return use.symbol in self.symbols or ("#" in use.symbol and "*#*" in self.symbols)


@cache
def load_rules(folder: Path = DATA) -> tuple[RewriteRule, ...]:
    """All rules, in the order of their files' names.

    Raises:
        RuleError: A file or a rule is wrong, or an id is there twice.
    """
    rules: list[RewriteRule] = []
    for path in sorted(folder.glob("*.toml")):
        rules += read_rules(path.read_text(encoding="utf-8"), path.name)
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise RuleError(f"{rule.id} is there twice")
        seen.add(rule.id)
    return tuple(rules)


def read_rules(text: str, name: str) -> list[RewriteRule]:
    """The rules of one file.

    Raises:
        RuleError: It is no TOML, or a rule lacks something or has something unknown.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{name}: {error}") from error
    shared = data.get("file", {})
    return [_read({**shared, **row}, name) for row in data.get("rule", [])]


def _read(row: dict[str, Any], name: str) -> RewriteRule:
    where = f"{name}: {row.get('id', 'a rule without id')}"
    unknown = row.keys() - {field.name for field in fields(RewriteRule)}
    if unknown:
        raise RuleError(f"{where}: unknown {', '.join(sorted(unknown))}")
    try:
        rule = RewriteRule(
            id=row["id"],
            target=Target(row["target"]),
            languages=frozenset(map(Language, row["languages"])),
            apis=frozenset(map(Api, _texts(row, "apis"))),
            symbols=frozenset(_texts(row, "symbols")),
            kinds=frozenset(map(UseKind, _texts(row, "kinds"))),
            action=row["action"],
            to=row.get("to", ""),
            values=row.get("values", {}),
            note=row.get("note", ""),
            why=row["why"],
            doc=row.get("doc", ""),
            source=row["source"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise RuleError(f"{where}: {error!r}") from error
    if rule.symbols and not rule.apis:
        raise RuleError(f"{where}: symbols without an API")
    return rule


def _texts(row: Mapping[str, Any], key: str) -> Iterable[str]:
    given = row.get(key, [])
    if isinstance(given, str):
        raise TypeError(f"{key} must be a list")
    texts: Iterable[str] = given
    return texts
