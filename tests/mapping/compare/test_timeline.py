from __future__ import annotations

import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mapping.compare import Entry, MissingPieceError, compare, render_timeline
from mapping.compare.scenario import Allowance
from mapping.compare.timeline import timeline_rows
from tests.support.traces import STORY, event, story_trace, with_entries

LESS = with_entries(story_trace("native", "e"), lambda all_: all_.pop(6))
DIFFERENT = compare(story_trace(), LESS, STORY)


class Page(HTMLParser):
    """The rows of the table by class, and every address in the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "tr":
            self.rows.append(values.get("class") or "")
        self.addresses += [values[key] or "" for key in ("href", "src") if key in values]


def test_what_belongs_together_stands_side_by_side() -> None:
    rows = timeline_rows(DIFFERENT)
    assert list(rows) == [1, 2, 3, 4]
    assert all(row.left and row.right for row in rows[2])
    (row,) = [row for row in rows[3] if row.mark]
    assert (row.mark, row.right) == ("first", None)
    assert row.left is not None
    assert row.left.name == "trackSubscribed"


def test_only_the_first_divergence_is_marked_as_such() -> None:
    more = with_entries(LESS, lambda all_: all_.append(event(4, "reconnected")))
    page = Page(render_timeline(compare(story_trace(), more, STORY), STORY))
    assert (page.rows.count("first"), page.rows.count("different")) == (1, 1)


def test_what_is_explained_says_why() -> None:
    scenario = replace(STORY, allowances=(Allowance(why="So it <is>."),))
    text = render_timeline(compare(story_trace(), LESS, scenario), scenario)
    assert "So it &lt;is&gt;." in text
    assert "are alike" in text
    assert Page(text).rows.count("explained") == 1


def test_the_file_needs_no_network_and_runs_nothing() -> None:
    page = Page(render_timeline(DIFFERENT))
    assert page.addresses == ["#first"]
    assert not page.tags & {"script", "link", "img", "iframe"}


def test_data_of_participants_is_text() -> None:
    trace = with_entries(
        story_trace(), lambda all_: all_.append(event(4, "trackMessage", "<script>x</script>"))
    )
    text = render_timeline(compare(trace, trace, STORY), STORY)
    assert "<script" not in text
    assert "&lt;script&gt;x" in text


def test_without_jinja2_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingPieceError, match="migrate"):
        render_timeline(DIFFERENT)


def test_what_comes_at_another_place_is_marked_first_only_once() -> None:
    def swap(entries: list[Entry]) -> None:
        entries[5], entries[6] = entries[6], entries[5]

    comparison = compare(story_trace(), with_entries(story_trace("native"), swap), STORY)
    page = Page(render_timeline(comparison, STORY))
    assert (page.rows.count("first"), page.rows.count("different")) == (1, 1)


def test_a_program_of_ones_own_has_no_steps() -> None:
    def stepless(entries: list[Entry]) -> None:
        entries[:] = [replace(one, step=0) for one in entries]

    own = with_entries(story_trace(), stepless)
    assert "step" not in Page(render_timeline(compare(own, own))).rows
    text = render_timeline(compare(own, with_entries(own, lambda all_: all_.pop(6))))
    assert "1 difference; " in text
    assert "step 0" not in text


def test_a_step_of_any_number_is_drawn_at_once() -> None:
    late = with_entries(story_trace(), lambda all_: all_.append(event(10**12, "reconnected")))
    assert list(timeline_rows(compare(late, late))) == [1, 2, 3, 4, 10**12]
