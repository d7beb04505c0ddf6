from __future__ import annotations

import itertools

import pytest

from acs_core.errors import InvalidStateError
from acs_core.rtc.sdp import MAX_SECTIONS, MediaSection
from acs_core.service.sfu.changes import (
    RefusalReason,
    SsrcPolicy,
    StreamEnded,
    StreamReceived,
    StreamRefused,
)
from acs_core.service.sfu.placement import Placement
from acs_core.service.sfu.sections import OutgoingStream


def placement(policy: SsrcPolicy = SsrcPolicy.FRESH) -> Placement:
    numbers = itertools.count(1)
    # Each number comes twice: random ones may, too.
    return Placement(policy, lambda: next(numbers) // 2)


def video(key: str) -> OutgoingStream:
    return OutgoingStream(key, "video", frozenset({"vp8/90000"}), ("stream", key))


def complete(places: Placement) -> None:
    """The remote end took the offer as it was."""
    for section in places.sections:
        section.is_described = True
        section.told = section.said(is_sending=True, is_receiving=False)


def test_what_waits_is_placed_once_and_under_numbers_of_its_own() -> None:
    places = placement()
    places.add(video("a"))
    places.add(video("b"))
    places.is_data_wanted = True
    assert places.has_work
    places.place_all()
    assert not places.has_work
    assert [(section.mid, section.key) for section in places.sections] == [
        ("d0", None),
        ("s0", "a"),
        ("s1", "b"),
    ]
    ssrcs = [ssrc for section in places.sections[1:] for ssrc in section.ssrcs]
    assert len(set(ssrcs)) == 4
    with pytest.raises(InvalidStateError):
        places.add(video("a"))
    with pytest.raises(InvalidStateError):
        places.remove("c")


@pytest.mark.parametrize("policy", list(SsrcPolicy))
def test_a_free_section_is_used_again_once_its_end_was_told(policy: SsrcPolicy) -> None:
    places = placement(policy)
    places.add(video("a"))
    places.place_all()
    complete(places)
    (section,) = places.sections
    before = section.ssrcs
    places.remove("a")
    assert not section.is_reusable
    complete(places)
    places.add(video("b"))
    places.place_all()
    assert list(places.sections) == [section]
    assert section.key == "b"
    assert (section.ssrcs == before) is (policy is SsrcPolicy.KEEP)


def test_an_offer_that_is_taken_back_leaves_no_section() -> None:
    places = placement()
    places.add(video("a"))
    places.place_all()
    places.restore()
    assert not places.sections
    assert places.has_work
    places.place_all()
    # A mid that was offered is never another section's.
    assert [section.mid for section in places.sections] == ["s1"]


def test_whoever_finds_no_room_is_told_once_and_waits() -> None:
    places = placement()
    for index in range(MAX_SECTIONS + 1):
        places.add(video(str(index)))
    places.place_all()
    assert len(places.sections) == MAX_SECTIONS
    refusal = StreamRefused(str(MAX_SECTIONS), RefusalReason.NO_SECTION, is_retried=True)
    assert places.refuse_unplaced() == (refusal,)
    assert places.refuse_unplaced() == ()
    complete(places)
    places.remove("0")
    complete(places)
    assert places.has_work


def test_a_slot_with_a_new_mid_ends_what_was_in_it() -> None:
    places = placement()
    assert places.match(0, MediaSection("video", "0")) == []
    (section,) = places.sections
    section.received = StreamReceived("0", "video", (), "-", "t", {}, {}, {})
    assert places.match(0, MediaSection("video", "0")) == []
    assert places.match(0, MediaSection("video", "1")) == [StreamEnded("0")]
    assert [item.mid for item in places.sections] == ["1"]
    assert places.kinds == {"0": "video", "1": "video"}


def test_a_stream_whose_new_section_is_rejected_is_given_up() -> None:
    places = placement()
    places.add(video("a"))
    places.place_all()
    refusal = StreamRefused("a", RefusalReason.SECTION_REJECTED, is_retried=False)
    assert places.retire(places.sections[0]) == [refusal]
    assert not places.has_work
