"""A report for people, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mapping.scan.findings import Level, Report
from mapping.scan.summary import TIERS, blockers, counted, effort, next_command, symbol_rows, tiers

__all__ = ["print_report"]

_STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}
_MAX_ROWS = 40


def print_report(report: Report, console: Console, *, show: Level = Level.WARNING) -> None:
    """Print header, names by API, findings of level `show` and above, blockers and what is next."""
    _header(report, console)
    rows = symbol_rows(report)
    if rows:
        table = Table("API", "name", "uses", "parity", "tier", title="What is used", box=None)
        for row in rows[:_MAX_ROWS]:
            table.add_row(row.api, row.symbol, str(row.count), row.parity or "-", str(row.tier))
        console.print(table)
        if len(rows) > _MAX_ROWS:
            console.print(f"… and {len(rows) - _MAX_ROWS} more; --format json has all")
    shown = [each for each in report.new_findings if each.level.rank >= show.rank]
    for each in shown:
        style = _STYLES[each.level]
        place = escape(f"{each.path}:{each.span.line}:{each.span.column}")
        console.print(
            f"{place} [{style}]{each.level}[/] {each.rule} {escape(each.message)}",
            soft_wrap=True,
            highlight=False,
        )
        if each.level is Level.ERROR:
            console.print(f"    {escape(each.help)}", soft_wrap=True, style="dim")
    for file in report.problems:
        console.print(f"{escape(file.path)}: {escape(file.problem)}", style="yellow")
    _footer(report, console)


def _header(report: Report, console: Console) -> None:
    console.print(
        f"[bold]{escape(report.root or 'texts')}[/]: {counted(report.scanned, 'file')},"
        f" {counted(report.lines, 'line')}, {report.seconds:.1f} s",
        highlight=False,
    )
    for package in report.packages:
        version = package.version or "without a version"
        console.print(f"  {escape(package.name)} {escape(version)} ({escape(package.path)})")


def _footer(report: Report, console: Console) -> None:
    counts = dict.fromkeys(Level, 0)
    for each in report.new_findings:
        counts[each.level] += 1
    known = len(report.findings) - len(report.new_findings)
    words = ", ".join(counted(counts[level], level) for level in reversed(Level))
    console.print(f"[bold]{words}[/]" + (f", {known} in the baseline" if known else ""))
    for rule, example, count in blockers(report):
        console.print(f"  blocker {rule} ({count}x): {escape(example.message)}", soft_wrap=True)
    for tier, count in tiers(report).items():
        console.print(f"  tier {tier}, {TIERS[tier]}: {counted(count, 'file')}")
    sizes = ", ".join(f"{count}x{size}" for size, count in effort(report).items())
    console.print(f"  effort: {sizes}")
    console.print(f"  next: {escape(next_command(report))}")
