"""The scanner: what a program uses, what stays as it is, what changes how, what does not exist."""

from mapping.scan.findings import FileReport, Finding, Fix, Level, Package, Report
from mapping.scan.project import scan, scan_texts
from mapping.scan.rules import Rule, rules

__all__ = [
    "FileReport",
    "Finding",
    "Fix",
    "Level",
    "Package",
    "Report",
    "Rule",
    "rules",
    "scan",
    "scan_texts",
]
