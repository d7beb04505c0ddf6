"""What belongs together stands beside each other, in the order of both sides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mapping.compare import Entry
from mapping.compare.alignment import align
from tests.support.traces import event

ENTRIES = st.lists(
    st.builds(
        lambda name, args: event(0, name, *args),
        st.sampled_from("abc"),
        st.lists(st.integers(0, 2), max_size=1),
    ),
    max_size=12,
)


def name_of(entry: Entry) -> str:
    return entry.name


@given(ENTRIES, ENTRIES)
def test_nothing_is_lost_or_moved_and_partners_have_equal_keys(
    left: list[Entry], right: list[Entry]
) -> None:
    pairs = list(align(left, right, name_of))
    assert [one for one, _ in pairs if one is not None] == left
    assert [other for _, other in pairs if other is not None] == right
    for one, other in pairs:
        assert one or other
        assert one is None or other is None or one.name == other.name


@given(ENTRIES)
def test_what_is_equal_is_paired_throughout(entries: list[Entry]) -> None:
    assert list(align(entries, entries, name_of)) == [(one, one) for one in entries]


def test_equal_entries_are_paired_before_those_of_equal_keys() -> None:
    first, second, third = (event(0, "trackMessage", text) for text in "xyz")
    pairs = align([first, second, third], [second, third], name_of)
    assert list(pairs) == [(first, None), (second, second), (third, third)]


def test_another_argument_parts_no_partners() -> None:
    one, other = event(0, "trackMessage", "x"), event(0, "trackMessage", "y")
    assert list(align([one], [other], name_of)) == [(one, other)]
