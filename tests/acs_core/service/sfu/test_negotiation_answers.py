"""Answering the offers of clients."""

from __future__ import annotations

from dataclasses import replace

import pytest

from acs_core.errors import (
    MalformedPacketError,
    ProtocolError,
)
from acs_core.rtc.sdp import (
    Direction,
    IceParameters,
    Setup,
    parse,
    write,
)
from acs_core.service.sfu.negotiation import (
    DataSection,
    Layer,
    RemoteIce,
    StreamEnded,
    StreamReceived,
)
from tests.support.negotiations import CHROMIUM, edited, local, only, rejected, service


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
