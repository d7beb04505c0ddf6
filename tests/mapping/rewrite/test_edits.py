"""Edits are made together or not at all, and touch nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.rewrite.edits import Change, Edit, apply_changes, without_overlaps
from mapping.sources.uses import Confidence


def change(*edits: Edit, rule: str = "A-1") -> Change:
    return Change(rule, 1, 1, Confidence.EXACT, "summary", "why", edits)


def test_edits_replace_insert_and_remove() -> None:
    made = [change(Edit(0, 1, "A")), change(Edit(2, 2, "-"), Edit(3, 4, ""))]
    assert apply_changes("abcd", made) == "Ab-c"


def test_insertions_at_one_place_keep_the_order_they_are_given_in() -> None:
    assert apply_changes("x", [change(Edit(0, 0, "1")), change(Edit(0, 0, "2"))]) == "12x"


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply_changes("abcd", [change(Edit(0, 3, "")), change(Edit(2, 4, ""))])
    with pytest.raises(ValueError, match="leaves the text"):
        apply_changes("ab", [change(Edit(1, 3, ""))])


def test_the_earlier_and_wider_of_two_overlapping_changes_goes_first() -> None:
    wide, inner, later = change(Edit(0, 9, "")), change(Edit(0, 2, "")), change(Edit(8, 12, ""))
    assert without_overlaps([later, inner, wide]) == ([wide], [inner, later])


def test_the_rule_decides_between_changes_of_one_range() -> None:
    first, second = change(Edit(0, 2, "x"), rule="A-1"), change(Edit(0, 2, "y"), rule="B-1")
    assert without_overlaps([second, first]) == ([first], [second])


def test_a_change_is_made_wholly_or_not_at_all() -> None:
    both = change(Edit(5, 6, "x"), Edit(20, 21, "y"))
    assert without_overlaps([change(Edit(4, 7, "")), both]) == ([change(Edit(4, 7, ""))], [both])


def test_the_same_insertion_is_made_once() -> None:
    twice = [change(Edit(0, 0, "import x\n")), change(Edit(0, 0, "import x\n"), rule="B-1")]
    assert without_overlaps(twice) == (twice[:1], twice[1:])


@given(
    st.text(max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8), st.text(max_size=3)), max_size=8),
)
def test_what_does_not_overlap_can_be_made(text: str, ranges: list[tuple[int, int, str]]) -> None:
    edits = [
        Edit(at, min(at + size, len(text)), new) for at, size, new in ranges if at <= len(text)
    ]
    changes = [change(edit, rule=f"R-{index}") for index, edit in enumerate(edits)]
    made, waiting = without_overlaps(changes)
    gone = sum(one.edits[0].end - one.edits[0].start for one in made)
    come = sum(len(one.edits[0].text) for one in made)
    assert len(apply_changes(text, made)) == len(text) - gone + come
    assert len(made) + len(waiting) == len(changes)
