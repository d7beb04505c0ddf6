"""Each topic has its programs, keeps Twilio's names, and changes no more than it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.example_programs import EXAMPLES

TOPICS = sorted(EXAMPLES.glob("[0-9][0-9]_*"))
OF_CLIENTS = [topic for topic in TOPICS if (topic / "before.js").exists()]
PAGE_ONLY = {"on", "once", "attach", "detach", "LocalVideoTrack"}
"""Members whose use a program need not have: elements of a page, and tracks of a browser."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_docstring(program: str) -> str:
    return re.sub(r'^""".*?"""', "", program, count=1, flags=re.DOTALL)


def identify(topic: Path) -> str:
    return topic.name


@pytest.mark.parametrize("topic", TOPICS, ids=identify)
def test_every_topic_is_before_compat_and_native(topic: Path) -> None:
    readme = text_of(topic / "README.md")
    for name in ("before.py", "compat.py", "native.py"):
        assert (topic / name).exists()
        assert name in readme
        assert len(text_of(topic / name).splitlines()) <= 120
    assert "python compat.py" in readme
    assert "What changed" in readme


@pytest.mark.parametrize("topic", OF_CLIENTS, ids=identify)
def test_every_name_of_twilio_is_kept(topic: Path) -> None:
    before, compat = text_of(topic / "before.js"), text_of(topic / "compat.py")
    events = re.findall(r"(?:on|once)\('(\w+)'", before)
    members = re.findall(
        r"(?:room|local|participant|publication|track|error|Video|report|test)\.(\w+)", before
    )
    kept = set(re.findall(r"\w+", compat))
    assert members
    assert {*events, *members} - PAGE_ONLY - kept == set()


@pytest.mark.parametrize("topic", OF_CLIENTS, ids=identify)
def test_only_the_import_changes(topic: Path) -> None:
    before = without_docstring(text_of(topic / "before.py"))
    compat = without_docstring(text_of(topic / "compat.py"))
    assert before.count("twilio_video") >= 1
    assert "twilio_compat" not in before
    assert before.replace("twilio_video", "twilio_compat") == compat
