from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from mapping.compare import compare, failure_text
from mapping.compare.comparison import Comparison
from mapping.compare.report import as_json, print_report
from mapping.compare.scenario import Allowance
from tests.support.traces import STORY, story_trace, with_entries

ALIKE = compare(story_trace(), story_trace("native"), STORY)
LESS = with_entries(story_trace("native"), lambda all_: all_.pop())
DIFFERENT = compare(story_trace(), LESS, STORY)
EXPLAINED = compare(story_trace(), LESS, replace(STORY, allowances=(Allowance(why="So it [is]."),)))


def printed(comparison: Comparison) -> str:
    text = io.StringIO()
    print_report(comparison, Console(file=text, width=120))
    return text.getvalue()


def test_people_are_told_that_all_is_well() -> None:
    assert printed(ALIKE) == "alike story: twilio and native, 4 steps, 5 events\n"


def test_people_are_told_what_is_different() -> None:
    text = printed(DIFFERENT)
    assert text.startswith("different story")
    assert "participantDisconnected of ben is missing" in text


def test_people_are_told_what_explains_a_difference() -> None:
    text = printed(EXPLAINED)
    assert text.startswith("alike story")
    assert "So it [is]." in text


def test_programs_get_json() -> None:
    report = json.loads(json.dumps(as_json(DIFFERENT)))
    assert report["alike"] is False
    assert report["left"]["implementation"] == "twilio"
    assert report["right"]["events"] == 4
    (finding,) = report["findings"]
    assert (finding["kind"], finding["step"], finding["actor"]) == ("missing", 4, "ann")
    assert finding["right"] is None
    assert as_json(EXPLAINED)["explained"][0]["why"] == "So it [is]."


def test_a_failed_test_says_everything() -> None:
    assert failure_text(DIFFERENT).splitlines() == [
        "story: twilio and native are different:",
        "  step 4, ann: missing: participantDisconnected of ben is missing",
    ]
