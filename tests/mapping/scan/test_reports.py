"""Each form of a report: valid, complete, and without what the program's text could do to it."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from rich.console import Console

from benchmarks.scanning import CORPUS
from mapping.scan import Level, Report, scan, scan_texts
from mapping.scan.console import print_report
from mapping.scan.html import as_html
from mapping.scan.machine import as_csv, as_json, as_markdown, usage
from mapping.scan.sarif import as_sarif

SCHEMA = Path(__file__).parent.parent.parent / "data" / "sarif-2.1.0-parts.schema.json"

_TEXT = """import { connect } from 'twilio-video';
const room = await connect(t, { '<b>': 1 });
room.on('participantConneted', f);
"""


def _report() -> Report:
    return scan_texts({"src/a <i>.js": _TEXT, "broken.py": "import twilio_compat\n("})


def test_sarif_is_valid_for_the_whole_corpus() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for report in (scan(CORPUS), _report()):
        assert list(validator.iter_errors(as_sarif(report))) == []


def test_sarif_has_a_fix_where_the_name_is_sure() -> None:
    results = as_sarif(_report())["runs"][0]["results"]
    fixed = next(each for each in results if each["ruleId"] == "TWV-EVENT-001")
    region = fixed["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 10, "endLine": 3, "endColumn": 29}
    change = fixed["fixes"][0]["artifactChanges"][0]
    assert change["artifactLocation"]["uri"] == "src/a%20%3Ci%3E.js"
    assert change["replacements"] == [
        {"deletedRegion": region, "insertedContent": {"text": "participantConnected"}}
    ]
    assert fixed["properties"]["confidence"] == "exact"


def test_sarif_regions_stay_on_their_line() -> None:
    twiml = "<Response>\n  <Connect>\n    <Room>lobby</Room>\n  </Connect></Response>"
    swift = "import UIKit\n\n\n  import TwilioVideo\n"
    texts = {"a.xml": twiml, "b.swift": swift, "c.js": "// twilio"}
    results = as_sarif(scan_texts(texts))["runs"][0]["results"]
    assert [each["locations"][0]["physicalLocation"]["region"] for each in results] == [
        {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 12},
        {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 21},
    ]


def test_sarif_messages_have_no_placeholders() -> None:
    text = "import { connect } from 'twilio-video'; connect(t, { constraints: {} });"
    run = as_sarif(scan_texts({"a.js": text}))["runs"][0]
    message = next(each for each in run["results"] if each["ruleId"] == "TWV-OPT-004")["message"]
    assert "({{ width: 640 }})" in message["text"]
    for rule in run["tool"]["driver"]["rules"]:
        assert not re.search(r"\{\w*\}", rule["fullDescription"]["text"] + rule["help"]["text"])


def test_sarif_leads_to_the_page_of_a_rule_that_has_one() -> None:
    found = {rule["id"]: rule.get("helpUri") for rule in _described()}
    assert found["TWV-VERSION-001"] == "https://www.twilio.com/docs/video/migrating-1x-2x"
    assert found["TWV-IMPORT-001"] is None
    for page in filter(None, found.values()):
        parts = urlsplit(page)
        assert parts.scheme == "https"
        assert parts.netloc


def _described() -> list[dict[str, str]]:
    described: list[dict[str, str]] = as_sarif(_report())["runs"][0]["tool"]["driver"]["rules"]
    return described


def test_sarif_names_each_rule_by_its_place() -> None:
    run = as_sarif(_report())["runs"][0]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_fingerprints_survive_moved_lines_and_spaces() -> None:
    before = scan_texts({"a.js": _TEXT}).findings
    moved = _TEXT.replace("room.on", "\n\n   room.on").replace("{ '<b>'", "{'<b>'")
    after = scan_texts({"a.js": "// first\n" + moved}).findings
    assert [each.fingerprint for each in before] == [each.fingerprint for each in after]
    assert len({each.fingerprint for each in before}) == len(before)


def test_page_escapes_the_program_and_loads_nothing() -> None:
    page = as_html(_report())
    assert "a &lt;i&gt;.js" in page
    assert "<i>" not in page
    for word in ("http:", "https:", "//cdn", "src=", "url("):
        assert word not in page


def test_json_and_csv_have_every_finding() -> None:
    report = _report()
    data = json.loads(json.dumps(as_json(report)))
    assert [each["rule"] for each in data["findings"]] == [each.rule for each in report.findings]
    rows = list(csv.DictReader(io.StringIO(as_csv(report))))
    assert [row["rule"] for row in rows] == [each.rule for each in report.findings]
    assert data["files"][0]["problem"].startswith("not Python")


def test_markdown_and_table_name_places_tiers_and_what_is_next() -> None:
    report = _report()
    text = as_markdown(report)
    assert "| src/a &lt;i>.js:3 | error | TWV-EVENT-001 |" in text
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=200), show=Level.NOTE)
    shown = stream.getvalue()
    for words in ("src/a <i>.js:3:10", "TWV-EVENT-001", "tier 0", "effort:", "migrate plan"):
        assert words in shown
    assert "broken.py: not Python" in shown


def test_one_of_a_kind_is_said_in_the_singular() -> None:
    report = scan_texts(
        {"a.js": "import { connect } from 'twilio-video'; (await connect(t)).on('connected', f);"}
    )
    stream = io.StringIO()
    print_report(report, Console(file=stream, width=200))
    shown = stream.getvalue()
    assert "texts: 1 file, 1 line," in shown
    assert "1 error, 0 warnings, 1 note\n" in shown
    assert "keep the client unmodified: 1 file\n" in shown
    assert "\n1 file, 1 line.\n" in as_markdown(report)
    page = re.sub(r"<[^>]*>", "", as_html(report))
    assert "1file\n1line\n1error\n0warnings\n1note\n1file of tier 0" in page


def test_usage_has_counts_and_no_paths() -> None:
    counts = usage(_report())
    assert counts["symbols"]["twilio-video"]["connect"] == 1
    assert "src/" not in json.dumps(counts)


def test_findings_of_the_baseline_are_unchanged_and_not_new() -> None:
    report = _report()
    known = replace(report, known=frozenset(each.fingerprint for each in report.findings))
    assert known.new_findings == []
    states = {each["baselineState"] for each in as_sarif(known)["runs"][0]["results"]}
    assert states == {"unchanged"}
