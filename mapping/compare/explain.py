"""Which differences between two traces are right, and why.

A scenario says so in `allow`, and the library in `explanations.toml`: differences that every
scenario may show between two implementations, each with the row of `mapping/data/differences.toml`
that tells the reason.
"""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from mapping.compare.comparison import Comparison, Finding, FindingKind
from mapping.compare.errors import ScenarioError
from mapping.compare.scenario import DEEDS, Allowance, Scenario
from mapping.compare.vocabulary import kind_of
from mapping.differences import Difference, load_differences

__all__ = ["check_allowance", "explain", "packaged_allowances"]

_FILE: Final = Path(__file__).with_name("explanations.toml")


@cache
def packaged_allowances() -> tuple[Allowance, ...]:
    """Those of the library."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8")).get("explanation", [])
    return tuple(
        Allowance(
            why=row.get("why", ""),
            row=row.get("row", ""),
            findings=frozenset(row.get("findings", ())),
            name=row.get("name", ""),
            actor=row.get("actor", ""),
            at=row.get("at", ""),
            kind=row.get("kind", ""),
            deeds=frozenset(row.get("deeds", ())),
            between=frozenset(row.get("between", ())),
        )
        for row in rows
    )


def explain(comparison: Comparison, scenario: Scenario | None = None) -> Comparison:
    """The comparison with what is right told from what is not.

    Raises:
        ScenarioError: An allowance names a row or a kind of finding that does not exist.
    """
    allowances = (*(() if scenario is None else scenario.allowances), *packaged_allowances())
    for allowance in allowances:
        check_allowance(allowance)
    sides = frozenset(
        {comparison.left.header.implementation, comparison.right.header.implementation}
    )
    findings: list[Finding] = []
    explained = list(comparison.explained)
    for finding in comparison.findings:
        possible = [one for one in allowances if _is_of(one, finding, sides, scenario)]
        if possible and finding.kind is not FindingKind.UNMET:
            why = possible[0].why or _rows()[possible[0].row].why
            explained.append(replace(finding, why=why))
        else:
            findings.append(finding)
    return replace(comparison, findings=tuple(findings), explained=tuple(explained))


def check_allowance(allowance: Allowance, place: str = "allow") -> None:
    """Refuse what names something that does not exist.

    Raises:
        ScenarioError: It does.
    """
    if allowance.row and allowance.row not in _rows():
        raise ScenarioError(f"there is no difference {allowance.row!r}.", place)
    if unknown := allowance.findings - {str(kind) for kind in FindingKind}:
        raise ScenarioError(f"there is no finding {', '.join(sorted(unknown))}.", place)
    if unknown := allowance.deeds - DEEDS.keys():
        raise ScenarioError(f"there is no deed {', '.join(sorted(unknown))}.", place)


def _is_of(
    one: Allowance, finding: Finding, sides: frozenset[str], scenario: Scenario | None
) -> bool:
    return (
        (not one.findings or str(finding.kind) in one.findings)
        and one.name in ("", finding.name)
        and one.actor in ("", finding.actor)
        and one.at in ("", finding.at)
        and one.kind in ("", _kind_of(finding))
        and (not one.deeds or not one.deeds.isdisjoint(_deeds_at(finding.step, scenario)))
        and one.between <= sides
    )


def _kind_of(finding: Finding) -> str:
    entry = finding.left or finding.right
    return "" if entry is None else kind_of(entry.args)


def _deeds_at(step: int, scenario: Scenario | None) -> frozenset[str]:
    if scenario is None or not 0 < step <= len(scenario.steps):
        return frozenset()
    return frozenset(deed.name for deed in scenario.steps[step - 1].deeds)


@cache
def _rows() -> dict[str, Difference]:
    return {row.id: row for row in load_differences()}
