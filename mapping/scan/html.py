"""A report as one page that needs no network."""

from __future__ import annotations

from importlib.resources import files

from mapping.scan.findings import Level, Report
from mapping.scan.summary import TIERS, symbol_rows, tiers

__all__ = ["as_html"]


def as_html(report: Report) -> str:
    """The page; everything that comes from the program is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    text = (files("mapping") / "scan" / "report.html.jinja").read_text(encoding="utf-8")
    findings = report.new_findings
    levels = [
        (level.value, sum(each.level is level for each in findings)) for level in reversed(Level)
    ]
    return environment.from_string(text).render(
        report=report,
        levels=levels,
        tiers=list(tiers(report).items()),
        names=TIERS,
        symbols=symbol_rows(report),
    )
