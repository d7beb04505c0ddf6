"""Findings that are known: a file of fingerprints, so that only new ones fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mapping.scan.findings import Report

__all__ = ["BaselineError", "read_baseline", "with_baseline", "write_baseline"]


class BaselineError(ValueError):
    """A file of fingerprints cannot be read; says why."""


def read_baseline(path: Path) -> frozenset[str]:
    """The fingerprints of a file that `write_baseline` wrote.

    Raises:
        BaselineError: It is no such file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return frozenset(str(each["fingerprint"]) for each in data["findings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"{path} is not a baseline: {error}") from error


def write_baseline(report: Report, path: Path) -> None:
    """Write the fingerprints of all findings, with what people need to review them."""
    findings = [
        {"fingerprint": each.fingerprint, "rule": each.rule, "path": each.path}
        for each in report.findings
    ]
    text = json.dumps({"version": 1, "findings": findings}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def with_baseline(report: Report, known: frozenset[str]) -> Report:
    """The report with what is known."""
    return replace(report, known=known)
