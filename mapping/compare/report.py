"""What a comparison found, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.compare.comparison import Comparison, Finding
from mapping.compare.trace import Entry, EntryKind, Trace

__all__ = ["as_json", "failure_text", "print_report"]


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The report as JSON; times are seconds since the trace began."""
    return {
        "scenario": comparison.left.header.scenario,
        "alike": comparison.is_alike,
        "left": _side(comparison.left),
        "right": _side(comparison.right),
        "steps": comparison.steps,
        "findings": [_finding(one) for one in comparison.findings],
        "explained": [_finding(one) for one in comparison.explained],
    }


def print_report(comparison: Comparison, console: Console) -> None:
    """The report for people: a line when all is well, else a table, the first divergence first."""
    left, right = comparison.left, comparison.right
    title = escape(left.header.scenario or "traces")
    sides = escape(f"{left.header.implementation} and {right.header.implementation}")
    if comparison.is_alike:
        # Names of files and tracks have brackets that are no markup.
        console.print(f"[green]alike[/] {title}: {sides}, {_counted(comparison)}")
    else:
        console.print(f"[red]different[/] {title}: {sides}, {_counted(comparison)}")
        console.print(_table(comparison.findings))
    for one in comparison.explained:
        console.print(
            f"  [dim]explained: step {one.step}, {escape(one.actor)}: {escape(one.text)}; "
            f"{escape(one.why)}[/]"
        )


def failure_text(comparison: Comparison) -> str:
    """What a failed test says: every finding on a line, the first divergence first."""
    left, right = comparison.left.header, comparison.right.header
    name = left.scenario or "traces"
    lines = [f"{name}: {left.implementation} and {right.implementation} are different:"]
    lines += [
        f"  step {one.step}, {one.actor}: {one.kind}: {one.text}" for one in comparison.findings
    ]
    return "\n".join(lines)


def _side(trace: Trace) -> dict[str, Any]:
    header = trace.header
    events = sum(one.kind is EntryKind.EVENT for one in trace.entries)
    return {
        "implementation": header.implementation,
        "version": header.version,
        "made": header.made.isoformat(),
        "entries": len(trace.entries),
        "events": events,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": str(finding.kind),
        "step": finding.step,
        "actor": finding.actor,
        "name": finding.name,
        "text": finding.text,
        "at": finding.at,
        "why": finding.why,
        "left": _entry(finding.left),
        "right": _entry(finding.right),
    }


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else asdict(entry)


def _counted(comparison: Comparison) -> str:
    events = sum(one.kind is EntryKind.EVENT for one in comparison.left.entries)
    # A program of somebody's own has no steps.
    return f"{comparison.steps} steps, {events} events" if comparison.steps else f"{events} events"


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("step", "actor", "kind", "difference"):
        table.add_column(name)
    for number, one in enumerate(findings):
        style = "bold red" if number == 0 else ""
        cells = (str(one.step), escape(one.actor), str(one.kind), escape(one.text))
        table.add_row(*cells, style=style)
    return table
