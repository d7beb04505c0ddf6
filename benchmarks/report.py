"""Figures with their spread, as tables for people and as JSON for machines."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console
from rich.table import Table

__all__ = ["Cell", "Result", "Spread", "as_json", "percentile", "print_result"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Repetitions of one measurement; what is quoted is the median."""

    values: tuple[float, ...]
    digits: int = 1

    @classmethod
    def of(cls, values: Iterable[float], digits: int = 1) -> Spread:
        """Make one of at least one value."""
        return cls(tuple(values), digits)

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    def __str__(self) -> str:
        median = f"{self.median:.{self.digits}f}"
        if len(self.values) == 1:
            return median
        low, high = (f"{value:.{self.digits}f}" for value in (min(self.values), max(self.values)))
        return f"{median} ({low}-{high})"


Cell: TypeAlias = str | int | Spread


@dataclass(frozen=True, slots=True)
class Result:
    """What one benchmark found.

    Attributes:
        name: Of the benchmark.
        what: What was done, in one line.
        columns: With units.
        rows: One cell per column.
        notes: What a reader must know to judge the figures.
    """

    name: str
    what: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def print_result(console: Console, result: Result) -> None:
    """Print a table and its notes."""
    table = Table(title=result.name, caption=result.what, title_justify="left")
    for index, column in enumerate(result.columns):
        table.add_column(column, justify="right" if index else "left")
    for row in result.rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)
    for note in result.notes:
        console.print(f"* {note}", highlight=False, markup=False)


def as_json(result: Result) -> Mapping[str, object]:
    """The same for machines: every repetition, not only the median."""
    return {
        "benchmark": result.name,
        "what": result.what,
        "notes": result.notes,
        "rows": [
            {column: _plain(cell) for column, cell in zip(result.columns, row, strict=True)}
            for row in result.rows
        ],
    }


def _plain(cell: Cell) -> object:
    if isinstance(cell, Spread):
        return {"median": cell.median, "values": cell.values}
    return cell
