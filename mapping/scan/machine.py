"""A report as JSON, CSV and Markdown, and the counts of names alone."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from mapping.scan.findings import Finding, Report
from mapping.scan.summary import TIERS, counted, effort, symbol_rows, tiers

__all__ = ["as_csv", "as_json", "as_markdown", "usage"]


def as_json(report: Report) -> dict[str, Any]:
    """All that the report has, as plain data."""
    return {
        "version": 1,
        "root": report.root,
        "scanned": report.scanned,
        "lines": report.lines,
        "seconds": round(report.seconds, 3),
        "packages": [asdict(package) for package in report.packages],
        "tiers": {str(tier): count for tier, count in tiers(report).items()},
        "effort": effort(report),
        "symbols": [asdict(row) for row in symbol_rows(report)],
        "findings": [_finding(each, report) for each in report.findings],
        "files": [
            {
                "path": file.path,
                "lines": file.lines,
                "tier": file.tier,
                "problem": file.problem,
                "uses": [
                    {
                        "api": use.api.value,
                        "symbol": use.symbol,
                        "kind": use.kind.value,
                        "line": use.span.line,
                        "column": use.span.column,
                        "text": use.text,
                        "confidence": use.confidence.value,
                        "why": use.why,
                        "module": use.module,
                    }
                    for use in file.uses
                ],
            }
            for file in report.files
        ],
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "level": finding.level.value,
        "message": finding.message,
        "help": finding.help,
        "path": finding.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "confidence": finding.confidence.value,
        "symbol": finding.symbol,
        "tier": finding.tier,
        "effort": finding.effort,
        "parity": finding.parity,
        "fingerprint": finding.fingerprint,
        "fix": finding.fix.text if finding.fix is not None else None,
        "known": finding.fingerprint in report.known,
    }


_PLACE = ("path", "line", "column", "level", "rule", "symbol")
_COLUMNS = (*_PLACE, "confidence", "parity", "tier", "effort", "message", "help")


def as_csv(report: Report) -> str:
    """One line per finding."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for each in report.findings:
        writer.writerow(_finding(each, report))
    return buffer.getvalue()


def as_markdown(report: Report) -> str:
    """A summary and tables, as for a comment on a change."""
    lines = [
        f"# Scan of {_cell(report.root or 'texts')}",
        "",
        f"{counted(report.scanned, 'file')}, {counted(report.lines, 'line')}.",
        "",
        "| tier | files |",
        "|---|---|",
        *(f"| {tier}: {TIERS[tier]} | {count} |" for tier, count in tiers(report).items()),
        "",
        "| API | name | uses | parity |",
        "|---|---|---|---|",
        *(
            f"| {row.api} | `{row.symbol}` | {row.count} | {row.parity or '-'} |"
            for row in symbol_rows(report)
        ),
        "",
        "| place | level | rule | what |",
        "|---|---|---|---|",
        *(
            f"| {_cell(each.path)}:{each.span.line} | {each.level} | {each.rule} "
            f"| {_cell(each.message)} |"
            for each in report.new_findings
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def usage(report: Report) -> dict[str, Any]:
    """How often each name is used; no paths and no text of the program."""
    symbols: dict[str, dict[str, int]] = {}
    for row in symbol_rows(report):
        symbols.setdefault(row.api.value, {})[row.symbol] = row.count
    versions = sorted({(package.name, package.version) for package in report.packages})
    return {
        "version": 1,
        "files": report.scanned,
        "packages": [{"name": name, "version": version} for name, version in versions],
        "symbols": symbols,
    }
