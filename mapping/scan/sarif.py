"""A report as SARIF 2.1.0, which code hosts and editors read.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from acs_core.version import __version__
from mapping.scan.findings import Finding, Report
from mapping.scan.rules import Rule, rules

__all__ = ["SCHEMA", "as_sarif"]

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def as_sarif(report: Report) -> dict[str, Any]:
    """The report as one run; findings of the baseline are marked `unchanged`."""
    order = {rule.id: index for index, rule in enumerate(rules())}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "twilio-compat scan",
                        "version": __version__,
                        "semanticVersion": __version__,
                        "rules": [_rule(rule) for rule in rules()],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"ROOT": {"description": {"text": "what was scanned"}}},
                "results": [
                    _result(each, order[each.rule], each.fingerprint in report.known)
                    for each in report.findings
                ],
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {
                                "level": "warning",
                                "message": _message(file.problem),
                                "locations": [{"physicalLocation": _file(file.path)}],
                            }
                            for file in report.problems
                        ],
                    }
                ],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    about = rule.message.replace("{name}", "…").replace("{near}", "…").replace("{what}", "…")
    page = {"helpUri": rule.page} if rule.page else {}
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.title.replace("'", "").split()),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": about},
        "help": {"text": rule.help.replace("{near}", "…")},
        **page,
        "defaultConfiguration": {"level": rule.level.value},
        "properties": {"tier": rule.tier, "effort": rule.effort},
    }


def _result(finding: Finding, index: int, is_known: bool) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level.value,
        "message": _message(f"{finding.message} {finding.help}"),
        "locations": [{"physicalLocation": _file(finding.path) | {"region": _region(finding)}}],
        "partialFingerprints": {"twilioCompat/v1": finding.fingerprint},
        "baselineState": "unchanged" if is_known else "new",
        "properties": {
            "confidence": finding.confidence.value,
            "parity": finding.parity,
            "symbol": finding.symbol,
            "tier": finding.tier,
            "effort": finding.effort,
        },
    }
    if finding.fix is not None:
        result["fixes"] = [
            {
                "description": _message(finding.help),
                "artifactChanges": [
                    _file(finding.path)
                    | {
                        "replacements": [
                            {
                                "deletedRegion": _region(finding),
                                "insertedContent": {"text": finding.fix.text},
                            }
                        ]
                    }
                ],
            }
        ]
    return result


def _message(text: str) -> dict[str, str]:
    """Braces mark placeholders there, so those that are meant come twice (section 3.11.5)."""
    return {"text": text.replace("{", "{{").replace("}", "}}")}


def _file(path: str) -> dict[str, Any]:
    uri = quote(PurePosixPath(path).as_posix())
    return {"artifactLocation": {"uri": uri, "uriBaseId": "ROOT"}}


def _region(finding: Finding) -> dict[str, int]:
    length = max(0, finding.span.end - finding.span.start)
    return {
        "startLine": finding.span.line,
        "startColumn": finding.span.column,
        "endLine": finding.span.line,
        "endColumn": finding.span.column + length,
    }
