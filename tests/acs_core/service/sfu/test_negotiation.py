"""Offering streams to clients, and what becomes of offers that are refused or lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    ProtocolError,
)
from acs_core.rtc.sdp import (
    MAX_SECTIONS,
    Direction,
    IceParameters,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)
from acs_core.service.sfu.negotiation import (
    DataSection,
    GlareError,
    LocalTransport,
    Negotiation,
    RefusalReason,
    RemoteIce,
    SsrcPolicy,
    StreamAccepted,
    StreamReceived,
    StreamRefused,
)
from tests.support.negotiations import (
    CHROMIUM,
    CLIENT,
    OPUS,
    SERVICE,
    VP8,
    Ledger,
    add,
    edited,
    exchange,
    local,
    offer_of,
    only,
    rejected,
    service,
    subscriber,
)


def test_a_stream_is_offered_and_accepted() -> None:
    negotiation, client = service(), subscriber()
    assert not negotiation.needs_offer
    add(negotiation, "a", "audio")
    add(negotiation, "v")
    assert negotiation.needs_offer
    answer, changes = exchange(negotiation, client)
    assert not negotiation.needs_offer
    remote, audio, video = changes
    assert isinstance(remote, RemoteIce)
    assert isinstance(audio, StreamAccepted)
    assert isinstance(video, StreamAccepted)
    assert (audio.key, audio.rtx_ssrc) == ("a", None)
    assert audio.payload_types == {"opus/48000/2": 111}
    assert (video.key, video.mid) == ("v", "s1")
    assert video.payload_types == {"vp8/90000": 96}
    assert video.rtx_payload_types == {96: 97}
    first, second = answer.sections
    assert (first.ssrc, first.rtx_ssrc) == (audio.ssrc, None)
    assert (second.ssrc, second.rtx_ssrc) == (video.ssrc, video.rtx_ssrc)
    assert second.extensions == video.extensions
    assert (second.stream_id, second.track_id) == ("endpoint", "track-v")


def test_an_offer_says_what_both_browsers_and_aiortc_need() -> None:
    negotiation = service()
    add(negotiation, "v")
    offer = parse(negotiation.create_offer(local))
    section = offer.sections[0]
    assert offer.ice_lite
    assert section.setup is Setup.ACTPASS
    assert section.direction is Direction.SENDONLY
    assert section.rtcp_mux
    assert section.rtcp_rsize
    assert len(section.ssrcs) == 2
    assert section.ssrc_groups[0].ssrcs == section.ssrcs
    assert section.cname == "endpoint"


@pytest.mark.parametrize("policy", SsrcPolicy)
def test_a_section_in_use_again_has_the_ssrc_that_its_client_needs(policy: SsrcPolicy) -> None:
    negotiation, client = service(policy), subscriber()
    add(negotiation, "one")
    first = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    negotiation.remove_stream("one")
    assert negotiation.needs_offer
    answer, changes = exchange(negotiation, client)
    assert changes == ()
    assert not answer.sections[0].is_active
    add(negotiation, "two")
    second = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    assert second.mid == first.mid
    is_kept = (second.ssrc, second.rtx_ssrc) == (first.ssrc, first.rtx_ssrc)
    assert is_kept is (policy is SsrcPolicy.KEEP)


def test_own_numbers_avoid_all_that_were_ever_seen() -> None:
    ledger = Ledger()
    negotiation = service(always_receive=True)
    offer = parse(CHROMIUM)
    audio = replace(offer.sections[0], codecs=(*offer.sections[0].codecs, *_claims()))
    text = write(replace(offer, sections=(audio,), bundle=("0",)))
    ledger.check(text)
    ledger.check(negotiation.accept_offer(text, local).answer)
    add(negotiation, "v")
    ours = ledger.check(negotiation.create_offer(local)).sections[1]
    assert {codec.key for codec in ours.codecs} >= set(VP8)
    assert all(codec.payload_type not in {96, 97, 98} for codec in ours.codecs)


def _claims() -> list[object]:
    opus = parse(CHROMIUM).sections[0].codecs[0]
    return [replace(opus, payload_type=n, name="L16") for n in (96, 97, 98)]


def test_a_data_section_is_asked_for_once() -> None:
    negotiation, client = service(), subscriber()
    negotiation.want_data()
    assert negotiation.needs_offer
    answer, changes = exchange(negotiation, client)
    assert answer.data is not None
    assert DataSection(5000, 262144) in changes
    negotiation.want_data()
    assert not negotiation.needs_offer
    add(negotiation, "v")
    assert only(exchange(negotiation, client)[1], DataSection) == []


def test_a_refused_data_section_is_not_asked_for_again() -> None:
    negotiation = service()
    negotiation.want_data()
    answer = subscriber().accept_offer(negotiation.create_offer(local), CLIENT).answer
    assert negotiation.accept_answer(edited(answer, rejected)) == ()
    assert not negotiation.needs_offer
    add(negotiation, "v")
    assert parse(negotiation.create_offer(local)).sections[0].is_rejected


def test_an_ice_restart_of_ours_is_not_taken_for_one_of_the_client() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    exchange(negotiation, client)
    negotiation.request_ice_restart()
    assert negotiation.needs_offer
    offer = negotiation.create_offer(local)
    assert parse(offer).sections[0].ice == IceParameters("restarted", SERVICE.pwd, lite=True)
    answer = client.accept_offer(offer, replace(CLIENT, ufrag="answered")).answer
    assert [type(c) for c in negotiation.accept_answer(answer)] == [RemoteIce]
    assert not negotiation.needs_offer


def test_a_stream_without_common_codec_is_refused_once() -> None:
    negotiation, client = service(), subscriber()
    negotiation.add_stream("v", "video", codecs=["av1/90000/0"], stream_id="s", track_id="t")
    refused = StreamRefused("v", RefusalReason.NO_COMMON_CODEC)
    assert refused in exchange(negotiation, client)[1]
    add(negotiation, "w")
    assert refused not in exchange(negotiation, client)[1]


def test_a_stream_that_is_not_received_can_be_accepted_later() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    first = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    add(negotiation, "a", "audio")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    inactive = edited(answer, lambda s: replace(s, direction=Direction.INACTIVE), "s0")
    changes = negotiation.accept_answer(inactive)
    assert StreamRefused("v", RefusalReason.NOT_RECEIVING) in changes
    # It paused, so Chromium needs another SSRC, which is offered at once.
    assert negotiation.needs_offer
    again = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    assert again.key == "v"
    assert again.ssrc != first.ssrc


def test_a_client_that_never_receives_is_not_asked_for_ever() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    inactive = edited(answer, lambda s: replace(s, direction=Direction.INACTIVE))
    negotiation.accept_answer(inactive)
    assert not negotiation.needs_offer


def test_a_stream_whose_new_section_is_rejected_is_given_up() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    changes = negotiation.accept_answer(edited(answer, rejected))
    assert changes == (StreamRefused("v", RefusalReason.SECTION_REJECTED),)
    assert not negotiation.needs_offer


def test_an_accepted_stream_moves_when_its_section_is_rejected() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    first = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    add(negotiation, "a", "audio")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    changes = negotiation.accept_answer(edited(answer, rejected, first.mid))
    assert StreamRefused("v", RefusalReason.SECTION_REJECTED, is_retried=True) in changes
    assert negotiation.needs_offer
    moved = only(exchange(negotiation, client)[1], StreamAccepted)[0]
    assert moved.key == "v"
    assert moved.mid != first.mid
    assert moved.ssrc != first.ssrc
    assert not negotiation.needs_offer


def test_streams_beyond_the_section_limit_wait_for_a_free_one() -> None:
    negotiation, client = service(), subscriber()
    for number in range(MAX_SECTIONS + 1):
        add(negotiation, f"v{number}")
    changes = exchange(negotiation, client)[1]
    assert len(only(changes, StreamAccepted)) == MAX_SECTIONS
    waiting = StreamRefused(f"v{MAX_SECTIONS}", RefusalReason.NO_SECTION, is_retried=True)
    assert only(changes, StreamRefused) == [waiting]
    # Told once.
    assert negotiation.take_unplaced() == ()
    assert not negotiation.needs_offer
    negotiation.remove_stream("v3")
    assert only(exchange(negotiation, client)[1], StreamRefused) == []
    accepted = only(exchange(negotiation, client)[1], StreamAccepted)
    assert [change.key for change in accepted] == [f"v{MAX_SECTIONS}"]


def test_a_stream_added_where_there_is_no_room_is_told_without_an_exchange() -> None:
    negotiation, client = service(), subscriber()
    for number in range(MAX_SECTIONS):
        add(negotiation, f"v{number}")
    assert negotiation.take_unplaced() == ()
    negotiation.create_offer(local)
    add(negotiation, "late")
    # The answer may free a section.
    assert negotiation.take_unplaced() == ()
    negotiation.cancel()
    exchange(negotiation, client)
    add(negotiation, "later")
    reason = RefusalReason.NO_SECTION
    assert negotiation.take_unplaced() == (StreamRefused("later", reason, is_retried=True),)


def test_sections_that_the_client_takes_leave_none_for_a_stream_that_waited() -> None:
    negotiation = service()
    add(negotiation, "late", "audio")
    offer = parse(CHROMIUM)
    mine = offer.sections[0]
    many = tuple(replace(mine, mid=str(n), ssrcs=(), msid=None) for n in range(MAX_SECTIONS))
    bundle = tuple(section.mid for section in many)
    accepted = negotiation.accept_offer(write(replace(offer, sections=many, bundle=bundle)), local)
    refused = StreamRefused("late", RefusalReason.NO_SECTION, is_retried=True)
    assert only(accepted.changes, StreamRefused) == [refused]


def test_a_room_of_fifty_with_sound_camera_and_screen_fits_and_can_be_read() -> None:
    negotiation = service(always_receive=True)
    negotiation.accept_offer(CHROMIUM, local)
    for number in range(49):
        add(negotiation, f"a{number}", "audio")
        add(negotiation, f"v{number}")
        add(negotiation, f"s{number}")
    negotiation.want_data()
    offered = parse(negotiation.create_offer(local))
    assert sum(section.msid is not None for section in offered.sections) == 3 * 49


def test_as_many_pictures_as_sections_can_be_read() -> None:
    negotiation = service(always_receive=True)
    negotiation.accept_offer(CHROMIUM, local)
    for number in range(MAX_SECTIONS):
        add(negotiation, f"v{number}")
    assert len(parse(negotiation.create_offer(local)).sections) == MAX_SECTIONS


def test_an_offer_that_could_not_be_written_was_not_made() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    negotiation.want_data()

    def fail(restart: bool) -> LocalTransport:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        negotiation.create_offer(fail)
    assert not negotiation.has_outstanding_offer
    assert negotiation.needs_offer
    changes = exchange(negotiation, client)[1]
    assert {StreamAccepted, DataSection} <= {type(change) for change in changes}


def test_a_data_section_waits_where_there_is_no_room() -> None:
    negotiation, client = service(), subscriber()
    for number in range(MAX_SECTIONS):
        add(negotiation, f"v{number}")
    exchange(negotiation, client)
    negotiation.want_data()
    assert not negotiation.needs_offer


def test_a_stream_removed_while_it_is_offered_is_withdrawn_by_the_next_offer() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    negotiation.remove_stream("v")
    assert only(negotiation.accept_answer(answer), StreamAccepted) == []
    assert negotiation.needs_offer
    assert not exchange(negotiation, client)[0].sections[0].is_active


def test_a_cancelled_offer_is_made_again() -> None:
    negotiation, client = service(), subscriber()
    negotiation.cancel()
    add(negotiation, "one")
    offer = negotiation.create_offer(local)
    negotiation.cancel()
    with pytest.raises(InvalidStateError):
        negotiation.accept_answer(client.accept_offer(offer, CLIENT).answer)
    # The client's own sections may come first now.
    negotiation.accept_offer(CHROMIUM, local)
    assert negotiation.needs_offer
    again = parse(negotiation.create_offer(local))
    assert [section.mid for section in again.sections] == ["0", "1", "2", "3", "s1"]


def test_an_offer_whose_answer_was_lost_is_taken_up_by_a_newer_one() -> None:
    negotiation, client = service(), subscriber()
    negotiation.supersede()
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    negotiation.supersede()
    assert not negotiation.has_outstanding_offer
    accepted = negotiation.accept_offer(offer_of(answer), local)
    assert [change.key for change in only(accepted.changes, StreamAccepted)] == ["v"]
    assert not negotiation.needs_offer


def test_cancelling_leaves_accepted_streams_alone() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "one")
    exchange(negotiation, client)
    add(negotiation, "two")
    negotiation.create_offer(local)
    negotiation.cancel()
    accepted = only(exchange(negotiation, client)[1], StreamAccepted)
    assert [stream.key for stream in accepted] == ["two"]


def test_after_a_dropped_offer_its_repetition_is_awaited() -> None:
    negotiation, client = service(always_receive=True), subscriber()
    negotiation.accept_offer(CHROMIUM, local)
    add(negotiation, "v")
    offer = negotiation.create_offer(local)
    assert not negotiation.awaits_repeat
    with pytest.raises(GlareError):
        negotiation.accept_offer(CHROMIUM, local)
    negotiation.accept_answer(client.accept_offer(offer, CLIENT).answer)
    assert negotiation.awaits_repeat
    repeated = replace(parse(CHROMIUM), sections=(*parse(CHROMIUM).sections, _still_receiving()))
    negotiation.accept_offer(write(repeated), local)
    assert not negotiation.awaits_repeat


def _still_receiving() -> MediaSection:
    video = parse(CHROMIUM).sections[1]
    return replace(
        video, mid="s0", direction=Direction.RECVONLY, rids=(), simulcast=None, msid=None
    )


def test_cancelling_gives_a_recycled_slot_back() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    negotiation.accept_offer(edited(CHROMIUM, rejected, "2"), local)
    add(negotiation, "v")
    offer = parse(negotiation.create_offer(local))
    assert [section.mid for section in offer.sections] == ["0", "1", "s0", "3"]
    negotiation.cancel()
    accepted = negotiation.accept_offer(edited(CHROMIUM, rejected, "2"), local)
    assert [section.mid for section in parse(accepted.answer).sections] == ["0", "1", "2", "3"]


def test_misuse_is_an_error() -> None:
    negotiation = service()
    add(negotiation, "v")
    with pytest.raises(InvalidStateError):
        add(negotiation, "v")
    with pytest.raises(InvalidStateError):
        negotiation.remove_stream("w")
    with pytest.raises(InvalidStateError):
        negotiation.accept_answer(CHROMIUM)
    with pytest.raises(InvalidArgumentError):
        negotiation.add_stream("x", "application", codecs=(), stream_id="s", track_id="t")
    with pytest.raises(InvalidArgumentError):
        negotiation.add_stream("x", "audio", codecs=OPUS, stream_id="s", track_id="t t")
    negotiation.create_offer(local)
    with pytest.raises(InvalidStateError):
        negotiation.create_offer(local)


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: replace(d, sections=d.sections[:-1]),
        lambda d: replace(d, sections=d.sections[::-1]),
        lambda d: replace(d, sections=(replace(d.sections[0], setup=Setup.PASSIVE),)),
    ],
)
def test_an_answer_that_does_not_fit_leaves_the_offer_outstanding(
    edit: Callable[[SessionDescription], SessionDescription],
) -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "a", "audio")
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    with pytest.raises(ProtocolError):
        negotiation.accept_answer(write(edit(parse(answer))))
    assert negotiation.has_outstanding_offer
    assert negotiation.accept_answer(answer)


def test_a_client_may_not_send_what_was_not_invited() -> None:
    negotiation, client = service(), subscriber()
    add(negotiation, "v")
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    sending = edited(answer, lambda s: replace(s, direction=Direction.SENDRECV, ssrcs=(5,)))
    assert only(negotiation.accept_answer(sending), StreamReceived) == []


def test_a_publication_may_first_appear_in_an_answer() -> None:
    negotiation, client = service(always_receive=True), subscriber()
    add(negotiation, "v")
    offer = negotiation.create_offer(local)
    assert parse(offer).sections[0].direction is Direction.SENDRECV
    answer = client.accept_offer(offer, CLIENT).answer
    sending = edited(
        answer, lambda s: replace(s, direction=Direction.SENDRECV, ssrcs=(5,), msid=("-", "t"))
    )
    changes = negotiation.accept_answer(sending)
    received = only(changes, StreamReceived)
    assert [(stream.mid, stream.track_id) for stream in received] == [("s0", "t")]
    assert [stream.key for stream in only(changes, StreamAccepted)] == ["v"]


def test_a_section_revived_in_an_answer_stays_rejected() -> None:
    negotiation, client = service(), subscriber()
    negotiation.accept_offer(edited(CHROMIUM, rejected, "0"), local)
    negotiation.want_data()
    negotiation.request_ice_restart()
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT).answer
    revived = edited(answer, lambda s: replace(s, port=9), "0")
    negotiation.accept_answer(revived)
    assert parse(negotiation.create_offer(local)).sections[0].is_rejected


def test_an_ssrc_is_never_given_twice() -> None:
    numbers = iter([1, 1, 1, 2, 2, 3, 1, 4])
    negotiation = Negotiation(
        session_id=1,
        ssrc_policy=SsrcPolicy.FRESH,
        always_receive=False,
        new_ssrc=lambda: next(numbers),
    )
    add(negotiation, "v")
    add(negotiation, "w")
    offer = parse(negotiation.create_offer(local))
    assert [section.ssrcs for section in offer.sections] == [(1, 2), (3, 4)]
