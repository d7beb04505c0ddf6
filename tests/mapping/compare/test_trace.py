from __future__ import annotations

from pathlib import Path

import pytest

from mapping.compare import Trace, TraceError
from tests.support.traces import event, story_trace, with_entries


def test_a_trace_is_read_as_it_was_written(tmp_path: Path) -> None:
    trace = story_trace()
    trace.write(tmp_path / "deep" / "trace.jsonl")
    assert Trace.read(tmp_path / "deep" / "trace.jsonl") == trace


def test_actors_stand_in_order_of_appearance() -> None:
    trace = story_trace()
    assert trace.actors == ("ann", "ben")
    assert [one.name for one in trace.of("ben")] == ["join", "publish", "leave"]


HEADER = '{"trace": 1, "implementation": "twilio", "made": "2026-01-02"}'
ENTRY = '\n{"t": 1, "actor": "a", "kind": "%s", "name": "n", "step": %s, "args": %s}'


@pytest.mark.parametrize(
    "text", ["a\u2028b", "a\x85b", "a\x0bb\x1cc", "half a pair: \ud83d", "\r\n"]
)
def test_a_text_of_any_signs_is_read_as_it_was_written(tmp_path: Path, text: str) -> None:
    trace = with_entries(story_trace(), lambda all_: all_.append(event(4, "trackMessage", text)))
    trace.write(tmp_path / "trace.jsonl")
    assert Trace.read(tmp_path / "trace.jsonl") == trace


def test_a_mark_before_the_first_line_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(story_trace().text().replace("\n", "\r\n"), encoding="utf-8-sig")
    assert Trace.read(path) == story_trace()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1"),
        ("{}", "line 1"),
        ('{"trace": 2, "implementation": "twilio", "made": "2026-01-02"}', "line 1"),
        ('{"trace": 1, "implementation": "twilio"}', "line 1"),
        ('{"trace": 1, "implementation": "twilio", "made": "yesterday"}', "line 1"),
        ('{"trace": 1, "implementation": "twilio", "made": "2026-01-02"}\nno', "line 2"),
        ('{"trace": 1, "implementation": "twilio", "made": "2026-01-02"}\n[]', "line 2"),
        ('{"trace": 1, "implementation": "twilio", "made": "2026-01-02"}\n{"t": 1}', "line 2"),
        (f"{HEADER}\n\n\n{{}}", "line 4"),
        (f"{HEADER}\n{'[' * 100_000}", "line 2"),
        (HEADER + ENTRY % ("event", "0", "{}"), "line 2: the args of event are a list"),
        (HEADER + ENTRY % ("call", "0", "[]"), "line 2: the args of call are a dict"),
        (HEADER + ENTRY % ("call", "Infinity", "{}"), "line 2"),
    ],
)
def test_what_is_no_trace_is_refused_with_the_line(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TraceError, match=place):
        Trace.read(path)


def test_a_missing_file_is_a_trace_error(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="nowhere"):
        Trace.read(tmp_path / "nowhere.jsonl")
