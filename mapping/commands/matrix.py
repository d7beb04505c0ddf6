"""`twilio-compat matrix`: what corresponds to what, and how far, printed or exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from mapping.model import COLUMNS, Parity, Row, Status, Vendor

__all__ = ["register"]

_WIDTH: Final = 160
"""Of a table in a file; a terminal has its own."""

_WIDTH_OF_REASONS: Final = 130
"""From which on a table says why; narrower, the reasons would fall apart into single words."""

_COLORS: Final[Mapping[Parity, str]] = {
    Parity.FULL: "green",
    Parity.PARTIAL: "yellow",
    Parity.EMULATED: "cyan",
    Parity.EXTENSION: "blue",
    Parity.NOT_APPLICABLE: "dim",
    Parity.NO: "red",
}


class Format(StrEnum):
    """How the matrix is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"


class Column(StrEnum):
    """The columns, `mapping.model.COLUMNS`."""

    JS = "js"
    REST = "rest"
    COMPAT = "compat"
    NATIVE = "native"
    VIDEOSDK = "videosdk"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(matrix)


def matrix(
    vendor: Annotated[
        Vendor | None, typer.Option(help="Whose names; all vendors with --all.")
    ] = Vendor.TWILIO_VIDEO,
    all_vendors: Annotated[bool, typer.Option("--all", help="The names of all vendors.")] = False,
    owner: Annotated[str, typer.Option("--class", help="A class, as Room.")] = "",
    status: Annotated[
        list[Status] | None, typer.Option(help="How far the counterpart is; repeatable.")
    ] = None,
    column: Annotated[
        list[Column] | None, typer.Option(help="A column to show; repeatable.")
    ] = None,
    parity: Annotated[
        list[Parity] | None, typer.Option(help="What a shown column promises; repeatable.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file.")] = None,
) -> None:
    """Show what corresponds to what between Twilio, ACS, VideoSDK and this library."""
    from mapping import load
    from mapping.matrix import Selection, as_csv, as_json, as_markdown, select

    columns = tuple(name for name in COLUMNS if not column or name in column)
    selection = Selection(
        None if all_vendors else vendor,
        owner,
        frozenset(status or ()),
        columns,
        frozenset(parity or ()),
    )
    rows = select(load.rows(), selection)
    if not rows:
        typer.echo(f"No row is like that.{_others(load.rows(), owner)}", err=True)
        raise typer.Exit(1)
    writers = {Format.JSON: as_json, Format.CSV: as_csv, Format.MD: as_markdown}
    try:
        if form is Format.TABLE:
            _print(rows, columns, output)
        elif output is None:
            typer.echo(writers[form](rows, columns), nl=False)
        else:
            output.write_text(writers[form](rows, columns), encoding="utf-8")
    except OSError as error:
        if output is None:
            raise
        typer.echo(f"{output} cannot be written: {error.strerror}.", err=True)
        raise typer.Exit(1) from None


def _others(rows: Sequence[Row], owner: str) -> str:
    """Which classes may have been meant: of the same name at another vendor, or of a near one."""
    found = {(row.owner, row.vendor) for row in rows if row.owner}
    known = {name.lower(): name for name, _ in found}
    if not (near := get_close_matches(owner.lower(), known, n=3)):
        return ""
    meant = [known[name] for name in near]
    there = sorted(f"--vendor {vendor} --class {name}" for name, vendor in found if name in meant)
    return f" Did you mean {' or '.join(there)}?"


def _print(rows: Sequence[Row], columns: Sequence[str], output: Path | None) -> None:
    """Print the table and the summary, for people."""
    from rich.console import Console
    from rich.table import Table

    from mapping.matrix import cell, sentence, summarize

    with output.open("w", encoding="utf-8") if output else nullcontext() as file:
        console = Console(file=file, width=_WIDTH if file else None)
        table = Table(box=None)
        table.add_column("Name", no_wrap=True)
        for name in ("Status", *columns):
            table.add_column(name, no_wrap=True)
        has_reasons = console.width >= _WIDTH_OF_REASONS
        if has_reasons:
            table.add_column("Why")
        for row in rows:
            cells = [f"[{_COLORS[cell(row, name)]}]{cell(row, name)}[/]" for name in columns]
            why = [escape(row.why)] if has_reasons else []
            table.add_row(escape(row.name), row.status, *cells, *why)
        console.print(table)
        for one in summarize(rows, columns):
            console.print(escape(sentence(one)), highlight=False, soft_wrap=True)
