"""The scanner's rules, read from `mapping/data/rules/*.toml`.

A rule matches uses (by API, kind and symbol), a pattern in a text, or a package in a manifest::

    [TWV-EVENT-004]
    level = "error"
    title = "Room never emits connected"
    message = "..."            # {name} and {near} are filled in
    help = "..."
    uses = { apis = ["twilio-video"], kinds = ["event"], symbols = ["Room#connected"] }
    matches = "a.js: ..."      # snippets that the tests run
    passes = "a.js: ..."
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from mapping.scan.findings import Level

__all__ = ["Rule", "RuleError", "TextMatch", "UseMatch", "rules"]


class RuleError(ValueError):
    """A file of rules is not as it should be; says which rule."""


@dataclass(frozen=True, slots=True)
class UseMatch:
    """Which uses a rule is about; an empty tuple stands for any.

    Attributes:
        symbols: Names, where `*` stands for any text: `*#trackAdded`.
        unknown: `near` for names that the API does not have but almost, `far` for those without
            a near one, or empty for all.
        modules: For imports, what is imported from.
    """

    apis: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    unknown: str = ""
    modules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextMatch:
    """Which text a rule is about.

    Attributes:
        pattern: What is searched in each file; the group `at`, or all of it, is the place.
        files: Ends of paths in which it is searched; empty for all.
        unless: When the file has this, the rule does not match.
        requires: Only when the file has this too.
        is_client: Only in code that browsers get.
    """

    pattern: re.Pattern[str]
    files: tuple[str, ...] = ()
    unless: re.Pattern[str] | None = None
    requires: re.Pattern[str] | None = None
    is_client: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        title: What it is about, a few words.
        message: What is said at a place; `{name}` and `{near}` are filled in.
        help: What to do.
        tier: The lowest tier of migration that the finding allows.
        effort: `S`, `M` or `L`, for one place.
        package: Name and version specifier of a package in a manifest.
        replace: The text that the name becomes, where that is sure; `{near}` is filled in.
        page: Where whoever decides about it says more, or an empty text.
        matches: Snippets that it must match, as `file name: text`.
        passes: Snippets that it must not match.
    """

    id: str
    level: Level
    title: str
    message: str
    help: str
    tier: int
    effort: str
    uses: UseMatch | None
    text: TextMatch | None
    package: tuple[str, str] | None
    replace: str
    page: str
    matches: tuple[str, ...]
    passes: tuple[str, ...]


_MATCHERS: Final = ("uses", "text", "package")
_KEYS: Final = frozenset(
    (*_MATCHERS, "level", "title", "message", "help", "tier", "effort", "replace", "page")
) | {"matches", "passes"}


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, by id.

    Raises:
        RuleError: A rule cannot be read.
    """
    found: list[Rule] = []
    folder = files("mapping") / "data" / "rules"
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            for key, row in tomllib.loads(file.read_text(encoding="utf-8")).items():
                try:
                    found.append(_rule(key, row))
                except (KeyError, TypeError, ValueError, re.error) as error:
                    raise RuleError(f"{file.name}: {key}: {error}") from error
    return tuple(sorted(found, key=lambda rule: rule.id))


def _rule(key: str, row: dict[str, Any]) -> Rule:
    if unknown := row.keys() - _KEYS:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    package = row.get("package")
    return Rule(
        key,
        Level(row["level"]),
        row["title"],
        row["message"],
        row["help"],
        row.get("tier", 0),
        row.get("effort", "S"),
        _use_match(row["uses"]) if "uses" in row else None,
        _text_match(row["text"]) if "text" in row else None,
        (package["name"], package["versions"]) if package else None,
        row.get("replace", ""),
        row.get("page", ""),
        _listed(row.get("matches", ())),
        _listed(row.get("passes", ())),
    )


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _use_match(row: dict[str, Any]) -> UseMatch:
    listed = {key: _listed(row.get(key, ())) for key in ("apis", "kinds", "symbols", "modules")}
    if unknown := row.keys() - listed.keys() - {"unknown"}:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return UseMatch(
        listed["apis"],
        listed["kinds"],
        listed["symbols"],
        row.get("unknown", ""),
        listed["modules"],
    )


def _text_match(row: dict[str, Any]) -> TextMatch:
    flags = re.MULTILINE
    return TextMatch(
        re.compile(row["pattern"], flags),
        _listed(row.get("files", ())),
        re.compile(row["unless"], flags) if "unless" in row else None,
        re.compile(row["requires"], flags) if "requires" in row else None,
        row.get("is_client", False),
    )
