from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from acs_core.errors import InvalidArgumentError, InvalidStateError, ProtocolError
from acs_core.media.negotiated import DataParameters
from acs_core.media.negotiation import PublishNegotiation, SubscribeNegotiation
from acs_core.rtc.packet import Uri
from acs_core.rtc.sdp import (
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    IceParameters,
    LocalTransport,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)

CANDIDATE = "1 1 udp 2130706431 192.0.2.2 50000 typ host"
CLIENT = LocalTransport("client", "clientpassword", (CANDIDATE,), Fingerprint("sha-256", "BB"))
SERVICE = LocalTransport(
    "service",
    "servicepassword",
    ("1 1 udp 2130706431 192.0.2.1 7781 typ host",),
    Fingerprint("sha-256", "AA"),
)


def publisher() -> PublishNegotiation:
    numbers = iter([1, 1, 2, 2, 3, *range(4, 100)])
    return PublishNegotiation(session_id=8, cname="cname", new_ssrc=lambda: next(numbers))


def add(client: PublishNegotiation, key: str, *codecs: str, kind: str = "video") -> None:
    client.add_stream(key, kind, stream_id="endpoint", track_id=f"track-{key}", codecs=codecs)


def answer_to(
    offer: str, edit: Callable[[MediaSection], MediaSection] = lambda section: section
) -> str:
    """What a service that takes everything answers, with one edit."""
    sections = []
    for section in parse(offer).sections:
        taken = replace(
            section,
            direction=Direction.of(send=False, receive=section.direction.is_sending),
            ssrcs=(),
            ssrc_groups=(),
            cname="",
            msid=None,
        )
        sections.append(edit(SERVICE.apply(taken, Setup.PASSIVE, lite=True)))
    return write(SessionDescription(tuple(sections), ice_lite=True))


def rejected(section: MediaSection) -> MediaSection:
    return replace(section, port=0)


# --------------------------------------------------------------------------------- publish


def test_an_offer_says_what_we_send() -> None:
    client = publisher()
    assert not client.needs_offer
    add(client, "a", kind="audio")
    add(client, "v")
    client.want_data()
    assert client.needs_offer
    offer = parse(client.create_offer(CLIENT))
    audio, video, data = offer.sections
    assert offer.bundle == ("0", "1", "2")
    assert not offer.ice_lite
    assert [codec.key for codec in audio.codecs] == ["opus/48000/2"]
    assert audio.codecs[0].fmtp == "minptime=10;useinbandfec=1"
    assert audio.ssrcs == (1,)
    assert audio.direction is Direction.SENDONLY
    assert {item.uri for item in audio.extensions} == {
        Uri.MID,
        Uri.AUDIO_LEVEL,
        Uri.ABS_SEND_TIME,
    }
    assert [codec.key for codec in video.codecs if codec.apt is None] == [
        "vp8/90000",
        "h264/90000/42e0/1",
        "h264/90000/4200/1",
    ]
    assert set(video.codecs[0].feedback) == {"nack", "nack pli", "ccm fir", "goog-remb"}
    assert video.ssrc_groups[0].ssrcs == video.ssrcs == (3, 4)
    assert video.cname == "cname"
    assert video.msid == ("endpoint", "track-v")
    assert {item.uri for item in video.extensions} == {Uri.MID, Uri.ABS_SEND_TIME}
    assert {section.setup for section in offer.sections} == {Setup.ACTPASS}
    assert (video.address, video.port) == ("192.0.2.2", 50000)
    assert data.sctp_port == 5000


@pytest.mark.feature("MATRIX-032")
def test_an_answer_says_how_to_send() -> None:
    client = publisher()
    add(client, "a", kind="audio")
    add(client, "v")
    client.want_data()
    answer = client.accept_answer(answer_to(client.create_offer(CLIENT)))
    audio, video = answer.streams
    assert (audio.key, audio.mid, audio.kind) == ("a", "0", "audio")
    assert (audio.ssrc, audio.rtx_ssrc, audio.rtx_payload_type) == (1, None, None)
    assert audio.codec.payload_type == 111
    assert (video.ssrc, video.rtx_ssrc, video.rtx_payload_type) == (3, 4, 97)
    assert video.codec.name == "VP8"
    assert video.extensions == {Uri.MID: 1, Uri.ABS_SEND_TIME: 3}
    assert answer.data == DataParameters(5000, 262144)
    assert answer.transport is not None
    assert answer.transport.ice == IceParameters("service", "servicepassword", lite=True)
    assert answer.transport.candidates == SERVICE.candidates
    assert not client.needs_offer


def test_the_preferred_codecs_come_first_and_others_not_at_all() -> None:
    client = publisher()
    add(client, "one", "H264", "vp8", "H264")
    add(client, "two", "vp8")
    one, two = parse(client.create_offer(CLIENT)).sections
    assert [codec.payload_type for codec in one.codecs] == [102, 103, 104, 105, 96, 97]
    assert [codec.payload_type for codec in two.codecs] == [96, 97]


def test_the_service_may_take_another_codec_without_rtx() -> None:
    client = publisher()
    add(client, "v")

    def only_h264(section: MediaSection) -> MediaSection:
        codecs = tuple(codec for codec in section.codecs if codec.payload_type == 102)
        wrong_ids = (HeaderExtension(1, Uri.MID), HeaderExtension(9, Uri.ABS_SEND_TIME))
        return replace(section, codecs=codecs, extensions=wrong_ids)

    stream = client.accept_answer(answer_to(client.create_offer(CLIENT), only_h264)).streams[0]
    assert stream.codec.key == "h264/90000/42e0/1"
    assert (stream.rtx_ssrc, stream.rtx_payload_type) == (None, None)
    assert stream.extensions == {Uri.MID: 1}


def test_a_section_that_stopped_is_used_for_the_next_stream_with_another_ssrc() -> None:
    client = publisher()
    add(client, "one")
    first = client.accept_answer(answer_to(client.create_offer(CLIENT))).streams[0]
    client.remove_stream("one")
    assert client.needs_offer
    offer = client.create_offer(CLIENT)
    assert parse(offer).sections[0].direction is Direction.INACTIVE
    assert client.accept_answer(answer_to(offer)).streams == ()
    add(client, "two")
    second = client.accept_answer(answer_to(client.create_offer(CLIENT))).streams[0]
    assert second.mid == first.mid
    assert {second.ssrc, second.rtx_ssrc}.isdisjoint({first.ssrc, first.rtx_ssrc})


def test_a_stream_replaced_before_the_offer_gets_a_section_of_its_own() -> None:
    client = publisher()
    add(client, "one")
    client.accept_answer(answer_to(client.create_offer(CLIENT)))
    client.remove_stream("one")
    add(client, "two")
    directions = [s.direction for s in parse(client.create_offer(CLIENT)).sections]
    assert directions == [Direction.INACTIVE, Direction.SENDONLY]


@pytest.mark.parametrize(
    "refusal",
    [
        rejected,
        lambda section: replace(section, direction=Direction.INACTIVE),
        lambda section: replace(section, codecs=(Codec(96, "VP9", 90000),)),
    ],
)
def test_a_refused_stream_is_not_offered_again(
    refusal: Callable[[MediaSection], MediaSection],
) -> None:
    client = publisher()
    add(client, "v")
    answer = client.accept_answer(answer_to(client.create_offer(CLIENT), refusal))
    assert (answer.streams, answer.refused) == ((), ("v",))
    if client.needs_offer:
        assert client.accept_answer(answer_to(client.create_offer(CLIENT))).streams == ()
    assert not client.needs_offer
    add(client, "v")
    assert client.accept_answer(answer_to(client.create_offer(CLIENT))).streams[0].key == "v"


def test_a_rejected_section_stays_rejected() -> None:
    client = publisher()
    add(client, "v")
    client.want_data()
    answer = client.accept_answer(answer_to(client.create_offer(CLIENT), rejected))
    assert answer.transport is None
    assert answer.data is None
    add(client, "w")
    ports = [section.port for section in parse(client.create_offer(CLIENT)).sections]
    assert ports == [0, 0, 50000]


def test_a_stream_removed_while_it_is_offered_is_withdrawn_by_the_next_offer() -> None:
    client = publisher()
    add(client, "v")
    offer = client.create_offer(CLIENT)
    assert not client.needs_offer
    client.remove_stream("v")
    answer = client.accept_answer(answer_to(offer))
    assert (answer.streams, answer.refused) == ((), ())
    assert client.needs_offer
    client.accept_answer(answer_to(client.create_offer(CLIENT)))
    assert not client.needs_offer


def test_misuse_is_an_error() -> None:
    client = publisher()
    add(client, "v")
    with pytest.raises(InvalidStateError):
        add(client, "v")
    with pytest.raises(InvalidStateError):
        client.remove_stream("w")
    with pytest.raises(InvalidStateError):
        client.accept_answer("")
    with pytest.raises(InvalidArgumentError, match="AV1"):
        add(client, "w", "AV1")
    with pytest.raises(InvalidArgumentError):
        add(client, "w", kind="application")
    client.create_offer(CLIENT)
    with pytest.raises(InvalidStateError):
        client.create_offer(CLIENT)


def test_an_answer_that_does_not_fit_leaves_the_offer_outstanding() -> None:
    client = publisher()
    add(client, "v")
    offer = client.create_offer(CLIENT)
    with pytest.raises(ProtocolError):
        client.accept_answer(write(SessionDescription()))
    with pytest.raises(ProtocolError):
        client.accept_answer(answer_to(offer, lambda s: replace(s, fingerprints=())))
    assert client.accept_answer(answer_to(offer)).streams


# ------------------------------------------------------------------------------- subscribe


def subscription_offer() -> str:
    """What a service offers: two videos with rtx, one of them stopped, and data."""
    vp8 = Codec(96, "VP8", 90000, feedback=("nack", "transport-cc"))
    codecs = (vp8, Codec(97, "rtx", 90000, fmtp="apt=96"), Codec(98, "VP9", 90000))
    extensions = (HeaderExtension(5, Uri.MID), HeaderExtension(6, Uri.PLAYOUT_DELAY))
    video = MediaSection(
        "video",
        "s0",
        direction=Direction.SENDONLY,
        codecs=codecs,
        extensions=extensions,
        ssrcs=(10, 11),
        cname="c",
        msid=("endpoint", "track"),
        rtcp_mux=True,
    )
    with_rtx = parse(write(SessionDescription((video,)))).sections[0]
    audio = MediaSection(
        "audio",
        "s3",
        direction=Direction.SENDRECV,
        rtcp_mux=True,
        codecs=(Codec(111, "opus", 48000, 2),),
        ssrcs=(20,),
        cname="c",
    )
    sections = (
        replace(with_rtx, ssrc_groups=()),
        replace(with_rtx, mid="s1", direction=Direction.INACTIVE, ssrcs=(), msid=None, cname=""),
        replace(with_rtx, mid="s2", codecs=(Codec(98, "VP9", 90000),), ssrcs=()),
        audio,
        MediaSection("application", "d0", sctp_port=5001, max_message_size=1000),
    )
    applied = tuple(SERVICE.apply(section, Setup.ACTPASS, lite=True) for section in sections)
    return write(SessionDescription(applied, ("s0", "s1", "s2", "s3", "d0"), ice_lite=True))


def test_an_offer_is_answered_with_what_we_decode() -> None:
    answer = SubscribeNegotiation(session_id=1).accept_offer(subscription_offer(), CLIENT)
    sections = parse(answer.answer).sections
    video, stopped, unknown, audio, data = sections
    assert video.direction is Direction.RECVONLY
    assert [codec.payload_type for codec in video.codecs] == [96, 97]
    assert video.codecs[0].feedback == ("nack",)
    assert video.extensions == (HeaderExtension(5, Uri.MID),)
    assert stopped.direction is Direction.INACTIVE
    assert unknown.is_rejected
    assert audio.direction is Direction.RECVONLY
    assert not data.is_rejected
    assert {section.setup for section in sections} == {Setup.ACTIVE}
    assert parse(answer.answer).bundle == ("s0", "s1", "s3", "d0")


def test_an_offer_says_what_arrives() -> None:
    answer = SubscribeNegotiation(session_id=1).accept_offer(subscription_offer(), CLIENT)
    video, stopped, audio = answer.sections
    assert (video.mid, video.kind, video.is_active) == ("s0", "video", True)
    assert (video.ssrc, video.rtx_ssrc) == (10, None)
    assert (video.stream_id, video.track_id) == ("endpoint", "track")
    assert {number: codec.name for number, codec in video.codecs.items()} == {96: "VP8"}
    assert video.rtx_payload_types == {97: 96}
    assert video.extensions == {Uri.MID: 5}
    assert (stopped.is_active, stopped.ssrc, stopped.track_id) == (False, None, "")
    assert (audio.ssrc, audio.rtx_ssrc) == (20, None)
    assert answer.data == DataParameters(5001, 1000)
    assert answer.transport.ice.lite
    assert answer.transport.fingerprints == (SERVICE.fingerprint,)


def test_the_ssrc_of_rtx_is_that_of_the_group() -> None:
    offer = subscription_offer().replace(
        "a=ssrc:10 cname:c", "a=ssrc-group:FID 10 11\r\na=ssrc:10 cname:c"
    )
    answer = SubscribeNegotiation(session_id=1).accept_offer(offer, CLIENT)
    assert (answer.sections[0].ssrc, answer.sections[0].rtx_ssrc) == (10, 11)


def test_a_rejected_data_section_gives_no_data() -> None:
    offer = subscription_offer().replace("m=application 7781", "m=application 0")
    answer = SubscribeNegotiation(session_id=1).accept_offer(offer, CLIENT)
    assert answer.data is None
    assert parse(answer.answer).sections[-1].is_rejected


def test_the_version_of_our_answers_grows() -> None:
    client = SubscribeNegotiation(session_id=1)
    answers = [client.accept_offer(subscription_offer(), CLIENT).answer for _ in range(3)]
    assert [parse(answer).version for answer in answers] == [1, 2, 3]


def test_an_offer_without_transport_is_refused() -> None:
    with pytest.raises(ProtocolError):
        SubscribeNegotiation(session_id=1).accept_offer(write(SessionDescription()), CLIENT)


# ---------------------------------------------------------------------------------- aiortc


async def test_aiortc_understands_our_offer_and_we_its_answer() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    client = publisher()
    add(client, "a", kind="audio")
    add(client, "v")
    client.want_data()
    try:
        await peer.setRemoteDescription(RTCSessionDescription(client.create_offer(CLIENT), "offer"))
        answer = client.accept_answer((await peer.createAnswer()).sdp)
    finally:
        await peer.close()
    assert [stream.key for stream in answer.streams] == ["a", "v"]
    assert answer.streams[1].rtx_payload_type == 97
    assert answer.data is not None


async def test_aiortc_understands_our_answer() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    try:
        peer.addTransceiver("audio")
        peer.addTransceiver("video")
        await peer.setLocalDescription(await peer.createOffer())
        answer = SubscribeNegotiation(session_id=1).accept_offer(peer.localDescription.sdp, CLIENT)
        await peer.setRemoteDescription(RTCSessionDescription(answer.answer, "answer"))
        assert peer.signalingState == "stable"
    finally:
        await peer.close()
    audio, video = answer.sections
    assert audio.is_active
    assert video.rtx_ssrc is not None
    assert len(list(itertools.chain(audio.codecs, video.codecs))) == 4
