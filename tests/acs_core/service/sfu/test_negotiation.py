from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.errors import (
    InvalidArgumentError,
    InvalidStateError,
    MalformedPacketError,
    ProtocolError,
)
from acs_core.media.negotiation import PublishNegotiation, SubscribeAnswer, SubscribeNegotiation
from acs_core.rtc.sdp import (
    MAX_SECTIONS,
    Direction,
    Fingerprint,
    IceParameters,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)
from acs_core.service.sfu.negotiation import (
    Change,
    DataSection,
    GlareError,
    Layer,
    LocalTransport,
    Negotiation,
    RefusalReason,
    RemoteIce,
    SsrcChanged,
    SsrcPolicy,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
    StreamRefused,
)

CHROMIUM = (Path(__file__).parents[3] / "data/sdp/chromium_offer.sdp").read_text()
OPUS = ("opus/48000/2",)
VP8 = ("vp8/90000",)
CODECS = {"audio": OPUS, "video": VP8}
SERVICE = LocalTransport(
    "service",
    "servicepassword",
    ("1 1 udp 2130706431 192.0.2.1 7781 typ host",),
    Fingerprint("sha-256", "AA:AA"),
)
CLIENT = LocalTransport("client", "clientpassword", (), Fingerprint("sha-256", "BB:BB"))


def local(restart: bool) -> LocalTransport:
    return replace(SERVICE, ufrag="restarted") if restart else SERVICE


def service(
    policy: SsrcPolicy = SsrcPolicy.FRESH, *, always_receive: bool = False, **options: object
) -> Negotiation:
    numbers = itertools.count(1000)
    return Negotiation(
        session_id=7,
        ssrc_policy=policy,
        always_receive=always_receive,
        new_ssrc=lambda: next(numbers),
        **options,
    )


def add(negotiation: Negotiation, key: str, kind: str = "video") -> None:
    negotiation.add_stream(
        key, kind, codecs=CODECS[kind], stream_id="endpoint", track_id=f"track-{key}"
    )


def publisher() -> PublishNegotiation:
    numbers = itertools.count(1)
    return PublishNegotiation(session_id=8, cname="cname", new_ssrc=lambda: next(numbers))


def exchange(
    negotiation: Negotiation, client: SubscribeNegotiation
) -> tuple[SubscribeAnswer, tuple[Change, ...]]:
    """One offer of the service and its answer."""
    answer = client.accept_offer(negotiation.create_offer(local), CLIENT)
    return answer, negotiation.accept_answer(answer.answer)


def subscriber() -> SubscribeNegotiation:
    return SubscribeNegotiation(session_id=9)


def edited(text: str, edit: Callable[[MediaSection], MediaSection], *mids: str) -> str:
    """Rewrite the sections with these mids, or all."""
    description = parse(text)
    sections = tuple(
        edit(section) if not mids or section.mid in mids else section
        for section in description.sections
    )
    return write(replace(description, sections=sections))


def rejected(section: MediaSection) -> MediaSection:
    return replace(section, port=0)


def only(changes: tuple[Change, ...], kind: type[Change]) -> list[Change]:
    return [change for change in changes if isinstance(change, kind)]


@dataclass
class Ledger:
    """Checks that the descriptions of one connection never contradict each other."""

    payload_types: dict[int, str] = field(default_factory=dict)
    uris: dict[int, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def check(self, text: str) -> SessionDescription:
        description = parse(text)
        for section in description.sections:
            assert self.kinds.setdefault(section.mid, section.kind) == section.kind
            for codec in section.codecs:
                key = f"{codec.key} {codec.apt}"
                assert self.payload_types.setdefault(codec.payload_type, key) == key
            for extension in section.extensions:
                assert self.uris.setdefault(extension.id, extension.uri) == extension.uri
        return description


# ----------------------------------------------------------------------- answering an offer


def test_a_chromium_offer_is_answered_with_what_can_be_forwarded() -> None:
    accepted = service().accept_offer(CHROMIUM, local)
    answer = parse(accepted.answer)
    audio, simulcast, munged, data = answer.sections
    assert answer.ice_lite
    assert answer.extmap_allow_mixed
    assert answer.bundle == ("0", "1", "2", "3")
    assert [codec.payload_type for codec in audio.codecs] == [111, 9, 0, 8, 110, 126]
    assert audio.codecs[0].fmtp == "minptime=10;useinbandfec=1"
    names = {codec.name.lower() for section in answer.sections for codec in section.codecs}
    assert names == {
        *("opus", "g722", "pcmu", "pcma", "telephone-event"),
        *("vp8", "rtx", "h264", "av1", "vp9", "h265"),
    }
    for section in answer.sections:
        assert (section.address, section.port) == ("192.0.2.1", 7781)
        assert section.setup is Setup.PASSIVE
        assert section.end_of_candidates
        assert all("transport-cc" not in codec.feedback for codec in section.codecs)
        assert all("transport-wide-cc" not in item.uri for item in section.extensions)
    assert simulcast.direction is Direction.RECVONLY
    assert [(rid.id, rid.direction) for rid in simulcast.rids] == [
        ("h", "recv"),
        ("m", "recv"),
        ("l", "recv"),
    ]
    assert simulcast.simulcast is not None
    assert simulcast.simulcast.receive == ("h", "m", "~l")
    assert munged.direction is Direction.RECVONLY
    assert data.sctp_port == 5000
    assert not accepted.ice_restarted


def test_a_chromium_offer_tells_its_streams() -> None:
    accepted = service().accept_offer(CHROMIUM, local)
    remote, audio, simulcast, munged, data = accepted.changes
    assert isinstance(remote, RemoteIce)
    assert (remote.ufrag, remote.setup) == ("Xk3p", Setup.ACTPASS)
    assert isinstance(audio, StreamReceived)
    assert audio.layers == (Layer(None, 3735928559, None),)
    assert audio.track_id == "a3c1b0de-8a37-4c1f-a0a3-5b1a2c3d4e5f"
    assert audio.codecs[111] == "opus/48000/2"
    assert audio.extensions["urn:ietf:params:rtp-hdrext:sdes:mid"] == 4
    assert isinstance(simulcast, StreamReceived)
    assert simulcast.layers == tuple(Layer(rid, None, None) for rid in "hml")
    assert simulcast.rtx_payload_types[97] == 96
    assert isinstance(munged, StreamReceived)
    assert munged.layers == tuple(Layer(None, n, n + 1000) for n in (1001, 1002, 1003))
    assert munged.stream_id == "-"
    assert data == DataSection(5000, 262144)


def test_an_offer_that_says_nothing_new_changes_nothing() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    assert negotiation.accept_offer(CHROMIUM, local).changes == ()
    assert not negotiation.needs_offer


def test_a_stream_of_which_nothing_is_written_is_known_by_its_mid() -> None:
    offer = edited(CHROMIUM, lambda s: replace(s, ssrcs=(), msid=None), "0")
    audio = only(service().accept_offer(offer, local).changes, StreamReceived)[0]
    assert audio.layers == (Layer(None, None, None),)
    assert (audio.stream_id, audio.track_id) == ("", "")


def test_a_stream_ends_when_its_section_stops_sending() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    stopped = edited(CHROMIUM, lambda s: replace(s, direction=Direction.INACTIVE, ssrcs=()), "0")
    accepted = negotiation.accept_offer(stopped, local)
    assert accepted.changes == (StreamEnded("0"),)
    assert parse(accepted.answer).sections[0].direction is Direction.INACTIVE


def test_another_track_on_a_section_is_another_stream() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    replaced = edited(CHROMIUM, lambda s: replace(s, ssrcs=(5,), msid=("-", "other")), "0")
    ended, received = negotiation.accept_offer(replaced, local).changes
    assert ended == StreamEnded("0")
    assert isinstance(received, StreamReceived)
    assert received.track_id == "other"


def test_a_stream_that_may_use_more_codecs_is_told_again_but_goes_on() -> None:
    negotiation = service()
    fewer = edited(CHROMIUM, lambda s: replace(s, codecs=s.codecs[:2]), "1")
    first = negotiation.accept_offer(fewer, local).changes[2]
    again = negotiation.accept_offer(CHROMIUM, local).changes
    assert isinstance(first, StreamReceived)
    assert set(first.codecs) == {96}
    assert len(again) == 1
    assert isinstance(again[0], StreamReceived)
    assert again[0].layers == first.layers
    assert set(again[0].codecs) >= {96, 103, 107, 45}
    # Fewer again: packets of before are still on their way.
    assert negotiation.accept_offer(fewer, local).changes == ()


def test_a_stopped_section_can_be_used_for_another_mid() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    stopped = negotiation.accept_offer(edited(CHROMIUM, rejected, "2"), local)
    assert stopped.changes == (StreamEnded("2"),)
    assert parse(stopped.answer).sections[2].is_rejected
    assert parse(stopped.answer).bundle == ("0", "1", "3")
    recycled = negotiation.accept_offer(edited(CHROMIUM, lambda s: replace(s, mid="9"), "2"), local)
    assert [type(change) for change in recycled.changes] == [StreamReceived]
    assert parse(recycled.answer).sections[2].mid == "9"


def test_a_section_that_nothing_can_be_done_with_is_rejected() -> None:
    useless = edited(CHROMIUM, lambda s: replace(s, codecs=s.codecs[1:2]), "0")
    accepted = service().accept_offer(useless, local)
    assert parse(accepted.answer).sections[0].is_rejected
    assert [c.mid for c in only(accepted.changes, StreamReceived)] == ["1", "2"]


def test_only_allowed_codecs_are_negotiated() -> None:
    accepted = service(codec_names={"opus", "h264"}).accept_offer(CHROMIUM, local)
    audio, video, vp8_only, _ = parse(accepted.answer).sections
    assert {codec.name for codec in audio.codecs} == {"opus", "telephone-event"}
    assert {codec.name for codec in video.codecs} == {"H264", "rtx"}
    assert vp8_only.is_rejected


def test_an_ice_restart_is_answered_with_new_credentials() -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    restart = edited(CHROMIUM, lambda s: replace(s, ice=IceParameters("new", "newpassword")))
    accepted = negotiation.accept_offer(restart, local)
    assert accepted.ice_restarted
    assert [type(change) for change in accepted.changes] == [RemoteIce]
    assert {s.ice.ufrag for s in parse(accepted.answer).sections if s.ice} == {"restarted"}


def test_everything_may_be_rejected() -> None:
    accepted = service().accept_offer(edited(CHROMIUM, rejected), local)
    assert accepted.changes == ()
    assert all(section.is_rejected for section in parse(accepted.answer).sections)
    nameless = edited(CHROMIUM, lambda s: replace(s, port=0, mid=""))
    negotiation = service()
    negotiation.accept_offer(nameless, local)
    assert negotiation.accept_offer(nameless, local).changes == ()


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (edited(CHROMIUM, lambda s: replace(s, ice=None)), "credentials"),
        (edited(CHROMIUM, lambda s: replace(s, fingerprints=())), "fingerprint"),
        (edited(CHROMIUM, lambda s: replace(s, setup=Setup.PASSIVE)), "passive"),
        (edited(CHROMIUM, lambda s: replace(s, ssrcs=(5,)), "0", "2"), "same ssrc"),
        (write(replace(parse(CHROMIUM), sections=parse(CHROMIUM).sections[:2])), "fewer"),
        (edited(CHROMIUM, lambda s: replace(s, mid={"0": "1", "1": "0"}[s.mid]), "0", "1"), "kind"),
        (edited(CHROMIUM, lambda s: replace(s, kind="video", mid="", port=0), "0"), "kind"),
    ],
)
def test_an_offer_that_contradicts_what_was_agreed_changes_nothing(offer: str, reason: str) -> None:
    negotiation = service()
    negotiation.accept_offer(CHROMIUM, local)
    with pytest.raises(ProtocolError, match=reason):
        negotiation.accept_offer(offer, local)
    assert negotiation.accept_offer(CHROMIUM, local).changes == ()


def test_an_offer_that_cannot_be_read_changes_nothing() -> None:
    negotiation = service()
    with pytest.raises(MalformedPacketError):
        negotiation.accept_offer("v=0", local)
    assert negotiation.accept_offer(CHROMIUM, local).changes


# ------------------------------------------------------------------------------- offering


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
    accepted = negotiation.accept_offer(_offer_of(answer), local)
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


# ---------------------------------------------------------------------------------- glare


def _published_on(text: str, mid: str) -> str:
    """The client's next offer, with a track of its own on a section of ours."""
    return edited(
        text,
        lambda s: replace(s, direction=Direction.SENDRECV, ssrcs=(77,), msid=("-", "t")),
        mid,
    )


def _offer_of(answer: str) -> str:
    return edited(answer, lambda s: replace(s, setup=Setup.ACTPASS))


@pytest.mark.parametrize("policy", SsrcPolicy)
def test_a_rolled_back_section_gets_another_ssrc_where_the_client_needs_it(
    policy: SsrcPolicy,
) -> None:
    negotiation, client = service(policy, always_receive=True), subscriber()
    add(negotiation, "v")
    answer, changes = exchange(negotiation, client)
    first = only(changes, StreamAccepted)[0]
    client_offer = _published_on(_offer_of(answer.answer), "s0")
    add(negotiation, "w")
    offer = negotiation.create_offer(local)
    with pytest.raises(GlareError):
        negotiation.accept_offer(client_offer, local)
    negotiation.accept_answer(client.accept_offer(offer, CLIENT).answer)
    assert negotiation.needs_offer is (policy is SsrcPolicy.FRESH)
    if policy is SsrcPolicy.FRESH:
        changed = exchange(negotiation, client)[1]
        assert [type(change) for change in changed] == [SsrcChanged]
        assert isinstance(changed[0], SsrcChanged)
        assert (changed[0].key, changed[0].mid) == ("v", "s0")
        assert changed[0].ssrc != first.ssrc


def test_a_dropped_offer_elsewhere_changes_no_ssrc() -> None:
    negotiation, client = service(always_receive=True), subscriber()
    negotiation.accept_offer(CHROMIUM, local)
    add(negotiation, "v")
    negotiation.create_offer(local)
    with pytest.raises(GlareError):
        negotiation.accept_offer(CHROMIUM, local)
    assert not negotiation.needs_offer
    negotiation.cancel()
    assert client is not None


# -------------------------------------------------------------------------------- scripts

steps = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "offer", "data"]), st.integers(0, 5)), max_size=25
)


@settings(deadline=None)
@given(steps, st.sampled_from(SsrcPolicy))
def test_every_script_of_subscriptions_ends_accepted(
    script: list[tuple[str, int]], policy: SsrcPolicy
) -> None:
    negotiation, client, ledger = service(policy), subscriber(), Ledger()
    wanted: dict[str, str] = {}
    accepted: dict[str, StreamAccepted] = {}
    ssrcs: dict[str, list[int]] = {}
    keys = itertools.count()

    def negotiate() -> None:
        offer = negotiation.create_offer(local)
        ledger.check(offer)
        answer = client.accept_offer(offer, CLIENT)
        ledger.check(answer.answer)
        for change in negotiation.accept_answer(answer.answer):
            if isinstance(change, StreamAccepted):
                accepted[change.key] = change
        for section in answer.sections:
            if section.is_active and section.ssrc is not None:
                history = ssrcs.setdefault(section.mid, [])
                if history[-1:] != [section.ssrc]:
                    history.append(section.ssrc)

    for step, number in script:
        if step == "add":
            key, kind = f"k{next(keys)}", ["audio", "video"][number % 2]
            wanted[key] = kind
            add(negotiation, key, kind)
        elif step == "remove" and wanted:
            key = list(wanted)[number % len(wanted)]
            del wanted[key]
            negotiation.remove_stream(key)
        elif step == "data":
            negotiation.want_data()
        elif step == "offer" and negotiation.needs_offer:
            negotiate()
    for _ in range(2):
        if negotiation.needs_offer:
            negotiate()
    assert not negotiation.needs_offer
    assert set(wanted) <= set(accepted)
    for history in ssrcs.values():
        assert len(history) == len(set(history))
        assert len(history) == 1 or policy is SsrcPolicy.FRESH


@settings(deadline=None)
@given(steps)
def test_every_script_of_publications_ends_received(script: list[tuple[str, int]]) -> None:
    negotiation, client, ledger = service(), publisher(), Ledger()
    wanted: dict[str, str] = {}
    received: dict[str, StreamReceived] = {}
    keys = itertools.count()

    def negotiate() -> None:
        offer = client.create_offer(CLIENT)
        ledger.check(offer)
        accepted = negotiation.accept_offer(offer, local)
        ledger.check(accepted.answer)
        for change in accepted.changes:
            if isinstance(change, StreamReceived):
                received[change.mid] = change
            elif isinstance(change, StreamEnded):
                del received[change.mid]
        answer = client.accept_answer(accepted.answer)
        assert answer.refused == ()
        for stream in answer.streams:
            assert received[stream.mid].layers == (Layer(None, stream.ssrc, stream.rtx_ssrc),)
            assert received[stream.mid].codecs[stream.codec.payload_type] == stream.codec.key
            assert received[stream.mid].extensions == stream.extensions

    for step, number in script:
        if step == "add":
            key, kind = f"k{next(keys)}", ["audio", "video"][number % 2]
            wanted[key] = kind
            client.add_stream(key, kind, stream_id="s", track_id=key)
        elif step == "remove" and wanted:
            key = list(wanted)[number % len(wanted)]
            del wanted[key]
            client.remove_stream(key)
        elif step == "data":
            client.want_data()
        elif step == "offer" and client.needs_offer:
            negotiate()
    if client.needs_offer:
        negotiate()
    assert not client.needs_offer
    assert not negotiation.needs_offer
    assert {stream.track_id for stream in received.values()} == set(wanted)


# ---------------------------------------------------------------------------------- aiortc


async def test_aiortc_takes_our_answer() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    negotiation = service(SsrcPolicy.KEEP)
    try:
        peer.addTransceiver("audio", direction="sendonly")
        peer.addTransceiver("video", direction="sendonly")
        peer.createDataChannel("chat")
        offer = await peer.createOffer()
        await peer.setLocalDescription(offer)
        accepted = negotiation.accept_offer(peer.localDescription.sdp, local)
        await peer.setRemoteDescription(RTCSessionDescription(accepted.answer, "answer"))
        assert peer.signalingState == "stable"
        assert len(only(accepted.changes, StreamReceived)) == 2
        assert parse(peer.remoteDescription.sdp).ice_lite
    finally:
        await peer.close()


async def test_aiortc_takes_our_offers() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    negotiation = service(SsrcPolicy.KEEP)
    try:
        for key, kind in (("a", "audio"), ("v", "video"), ("w", "video")):
            add(negotiation, key, kind)
            negotiation.want_data()
            offer = RTCSessionDescription(negotiation.create_offer(local), "offer")
            await peer.setRemoteDescription(offer)
            answer = await peer.createAnswer()
            changes = negotiation.accept_answer(answer.sdp)
            await peer.setLocalDescription(answer)
            assert [stream.key for stream in only(changes, StreamAccepted)] == [key]
    finally:
        await peer.close()
