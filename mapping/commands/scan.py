"""`twilio-compat scan`: what a program uses, and what of it stays, changes or does not exist.

Exit codes: 0 nothing at or above `--fail-on`; 1 findings; 2 wrong usage; 3 more files than
`--max-parse-errors` cannot be read; 4 the scanner itself failed.
"""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mapping.commands.extra import INSTALL, missing_package

if TYPE_CHECKING:
    from mapping.scan import Report

__all__ = ["register"]


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"
    CSV = "csv"
    HTML = "html"
    MD = "md"


class FailOn(StrEnum):
    """From which level findings make the command fail."""

    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    NEVER = "never"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan")(scan_command)


def scan_command(
    path: Annotated[Path, typer.Argument(exists=True, help="A file or folder.")],
    format_: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TABLE,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to, instead of the terminal.")
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="From which level findings make the exit code 1.")
    ] = FailOn.ERROR,
    max_parse_errors: Annotated[
        int, typer.Option(min=0, help="More files that cannot be read make the exit code 3.")
    ] = 20,
    baseline: Annotated[
        Path | None, typer.Option(help="Findings in this file are known and do not fail.")
    ] = None,
    write_baseline: Annotated[
        Path | None, typer.Option(help="Write all findings to this file as known.")
    ] = None,
    usage_json: Annotated[
        Path | None, typer.Option(help="Write how often each name is used, without paths.")
    ] = None,
    show: Annotated[
        FailOn, typer.Option(help="From which level the terminal shows findings.")
    ] = FailOn.WARNING,
) -> None:
    """Say what a program uses of Twilio Video, ACS and VideoSDK, and what becomes of it."""
    _require_extra()
    from mapping.scan.baseline import BaselineError, read_baseline, with_baseline
    from mapping.scan.baseline import write_baseline as write_known

    try:
        known = read_baseline(baseline) if baseline is not None else frozenset()
    except BaselineError as error:
        _fail(str(error), 2)
    try:
        report = with_baseline(_scan(path), known)
        if write_baseline is not None:
            write_known(report, write_baseline)
        _write(report, format_, output, show)
        if usage_json is not None:
            from mapping.scan.machine import usage

            usage_json.write_text(json.dumps(usage(report), indent=1) + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:  # also rows and rules that cannot be read
        _fail(str(error), 4)
    raise typer.Exit(_exit_code(report, fail_on, max_parse_errors, write_baseline is not None))


def _require_extra() -> None:
    """Say now, not in the middle, that packages are missing."""
    missing = missing_package("ast_grep_py", "jinja2", "packaging")
    if missing is not None:
        _fail(f"{missing} is missing: {INSTALL}", 4)


def _fail(message: str, code: int) -> None:
    Console(stderr=True).print(message, style="red", highlight=False, markup=False)
    raise typer.Exit(code)


def _scan(path: Path) -> Report:
    from mapping.scan import scan

    console = Console(stderr=True)
    if not console.is_terminal:
        return scan(path)
    with console.status("Reading…") as status:
        return scan(path, progress=lambda count, name: status.update(f"{count} files, {name}"))


def _write(report: Report, format_: Format, output: Path | None, show: FailOn) -> None:
    if format_ is Format.TABLE:
        from mapping.scan.console import print_report
        from mapping.scan.findings import Level

        level = Level.ERROR if show is FailOn.NEVER else Level(show.value)
        if output is None:
            print_report(report, Console(), show=level)
        else:
            with output.open("w", encoding="utf-8") as file:
                print_report(report, Console(file=file, width=120), show=level)
        return
    text = _rendered(report, format_)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


def _rendered(report: Report, format_: Format) -> str:
    from mapping.scan.html import as_html
    from mapping.scan.machine import as_csv, as_json, as_markdown
    from mapping.scan.sarif import as_sarif

    if format_ is Format.JSON:
        return json.dumps(as_json(report), indent=1) + "\n"
    if format_ is Format.SARIF:
        return json.dumps(as_sarif(report), indent=1) + "\n"
    if format_ is Format.CSV:
        return as_csv(report)
    return as_markdown(report) if format_ is Format.MD else as_html(report)


def _exit_code(report: Report, fail_on: FailOn, most: int, is_baseline: bool) -> int:
    from mapping.scan.findings import Level

    if len(report.problems) > most:
        return 3
    if fail_on is FailOn.NEVER or is_baseline:
        return 0
    limit = Level(fail_on.value).rank
    return int(any(each.level.rank >= limit for each in report.new_findings))
