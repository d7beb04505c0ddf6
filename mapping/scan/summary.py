"""The figures of a report that all its outputs show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from mapping.scan.findings import Finding, Level, Report
from mapping.scan.matching import parity_of
from mapping.scan.project import tier_of
from mapping.sources.uses import Api

__all__ = [
    "TIERS",
    "SymbolRow",
    "blockers",
    "counted",
    "effort",
    "next_command",
    "symbol_rows",
    "tiers",
]

TIERS: Final = {
    -1: "uses no SDK",
    0: "keep the client unmodified",
    1: "change the import or the version",
    2: "rewrite to the native API",
}
_RANK: Final = {"S": 0, "M": 1, "L": 2}


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """One name of an API: how often, and what the matrix says of it."""

    api: Api
    symbol: str
    count: int
    parity: str
    tier: int


def counted(count: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def symbol_rows(report: Report) -> list[SymbolRow]:
    """The names by API, the most used first."""
    rows = [
        SymbolRow(api, symbol, count, parity_of(api, symbol), tier_of(api))
        for (api, symbol), count in report.symbols().items()
    ]
    return sorted(rows, key=lambda row: (row.api, -row.count, row.symbol))


def blockers(report: Report, count: int = 5) -> list[tuple[str, Finding, int]]:
    """The rules with most findings that are errors, each with an example and how many."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.new_findings:
        if finding.level is Level.ERROR:
            by_rule.setdefault(finding.rule, []).append(finding)
    ordered = sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(rule, found[0], len(found)) for rule, found in ordered[:count]]


def effort(report: Report) -> dict[str, int]:
    """How many places there are of each size, notes left out."""
    counts = Counter(
        finding.effort for finding in report.new_findings if finding.level is not Level.NOTE
    )
    return {size: counts[size] for size in _RANK}


def tiers(report: Report) -> dict[int, int]:
    """How many files each tier of migration has."""
    return dict(sorted(Counter(file.tier for file in report.files if file.tier >= 0).items()))


def next_command(report: Report) -> str:
    """What to run next."""
    if any(finding.fix is not None for finding in report.new_findings):
        return f"twilio-compat migrate plan {report.root or '.'}"
    if max(tiers(report), default=-1) == 2:
        return "twilio-compat matrix"
    return "twilio-compat serve"
