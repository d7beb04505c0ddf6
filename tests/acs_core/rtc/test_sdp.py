from __future__ import annotations

from pathlib import Path

import pytest
from aiortc import RTCBundlePolicy, RTCConfiguration, RTCPeerConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, MalformedPacketError
from acs_core.rtc import sdp
from acs_core.rtc.sdp import (
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    IceParameters,
    MediaSection,
    Rid,
    SessionDescription,
    Setup,
    Simulcast,
    SsrcGroup,
    parse,
    write,
)

CHROMIUM = (Path(__file__).parents[2] / "data/sdp/chromium_offer.sdp").read_text()
HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"

# ------------------------------------------------------------------------------- generated

tokens = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12)
words = st.text("abcXYZ0189-_", min_size=1, max_size=8)
ssrcs = st.integers(0, 2**32 - 1)
codecs = st.lists(
    st.builds(
        Codec,
        payload_type=st.integers(0, 127),
        name=words,
        clock_rate=st.integers(0, 2**32 - 1),
        channels=st.none() | st.integers(0, 8),
        fmtp=st.sampled_from(["", "apt=96", "minptime=10;useinbandfec=1", "profile-id=2; x"]),
        feedback=st.lists(
            st.sampled_from(["nack", "nack pli", "ccm fir"]), unique=True, max_size=3
        ).map(tuple),
    ),
    max_size=4,
    unique_by=lambda codec: codec.payload_type,
).map(tuple)
extensions = st.lists(
    st.builds(
        HeaderExtension,
        id=st.integers(1, 255).filter(lambda id_: id_ != 15),
        uri=tokens,
        direction=st.none() | st.sampled_from(Direction),
    ),
    max_size=3,
).map(tuple)
rids = st.lists(
    st.builds(Rid, words, st.sampled_from(["send", "recv"]), st.sampled_from(["", "pt=96"])),
    max_size=3,
).map(tuple)
rid_lists = st.lists(words, min_size=1, max_size=3).map(tuple)
simulcasts = (
    st.none()
    | st.builds(Simulcast, rid_lists, rid_lists)
    | st.builds(Simulcast, send=rid_lists)
    | st.builds(Simulcast, receive=rid_lists)
)


@st.composite
def transports(draw: st.DrawFn, lite: bool) -> dict[str, object]:
    options = draw(st.lists(words, max_size=2).map(tuple))
    return {
        "ice": draw(
            st.none() | st.builds(IceParameters, words, words, st.just(lite), st.just(options))
        ),
        "candidates": draw(
            st.lists(st.just("1 1 udp 1 192.0.2.1 7 typ host"), max_size=2).map(tuple)
        ),
        "end_of_candidates": draw(st.booleans()),
        "fingerprints": draw(
            st.lists(st.builds(Fingerprint, words, tokens), max_size=2).map(tuple)
        ),
        "setup": draw(st.none() | st.sampled_from(Setup)),
    }


@st.composite
def sections(draw: st.DrawFn, mid: str, lite: bool) -> MediaSection:
    common = {
        "mid": mid,
        "port": draw(st.integers(0, 65535)),
        "address": draw(st.sampled_from(["0.0.0.0", "192.0.2.1", "2001:db8::1"])),
        "bundle_only": draw(st.booleans()),
        "bandwidth_bps": draw(st.none() | st.integers(0, 10**7)),
        **draw(transports(lite)),
    }
    if draw(st.booleans()):
        return MediaSection(
            "application",
            sctp_port=draw(st.integers(0, 65535)),
            max_message_size=draw(st.integers(0, 2**31)),
            **common,
        )
    own = draw(st.lists(ssrcs, unique=True, max_size=4).map(tuple))
    return MediaSection(
        draw(st.sampled_from(["audio", "video"])),
        direction=draw(st.sampled_from(Direction)),
        codecs=draw(codecs),
        extensions=draw(extensions),
        ssrcs=own,
        cname=draw(words) if own else "",
        ssrc_groups=(SsrcGroup("FID", own),) if len(own) > 1 else (),
        msid=draw(st.none() | st.tuples(words, words | st.just(""))),
        rids=draw(rids),
        simulcast=draw(simulcasts),
        rtcp_mux=draw(st.booleans()),
        rtcp_rsize=draw(st.booleans()),
        **common,
    )


@st.composite
def descriptions(draw: st.DrawFn) -> SessionDescription:
    mids = draw(st.lists(words, unique=True, max_size=4))
    lite = draw(st.booleans())
    return SessionDescription(
        sections=tuple(draw(sections(mid, lite)) for mid in mids),
        bundle=tuple(mids),
        ice_lite=lite,
        extmap_allow_mixed=draw(st.booleans()),
        session_id=draw(st.integers(0, 2**64 - 1)),
        version=draw(st.integers(0, 2**64 - 1)),
    )


# Large values on a busy machine: the time says nothing about the code.
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(descriptions())
def test_reading_what_was_written_gives_it_back(description: SessionDescription) -> None:
    assert parse(write(description)) == description


def check_read_or_refused(text: str) -> None:
    """What is read of any text is a description that can be written, and read again."""
    try:
        description = parse(text)
    except MalformedPacketError:
        return
    assert parse(write(description)) == description


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for prefix in ("", HEAD, HEAD + AUDIO):
        check_read_or_refused(prefix + text)


LINES = [line for line in CHROMIUM.split("\n") if line]


@settings(deadline=None)
@given(st.data())
def test_a_damaged_offer_is_read_or_refused(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        cut = data.draw(st.integers(0, len(lines[index])))
        inserted = data.draw(st.text(max_size=3) | st.sampled_from([" ", "/", ":", "-1", "²"]))
        lines[index] = lines[index][:cut] + inserted + lines[index][cut + 1 :]
    check_read_or_refused("\n".join(lines))


# ------------------------------------------------------------------------------- real texts


def test_a_chromium_offer_is_read_as_it_says() -> None:
    offer = parse(CHROMIUM)
    audio, simulcast, munged, data = offer.sections
    assert offer.session_id == 4611731400430051336
    assert offer.bundle == ("0", "1", "2", "3")
    assert offer.extmap_allow_mixed
    assert not offer.ice_lite
    assert [section.mid for section in offer.sections] == ["0", "1", "2", "3"]
    assert [codec.key for codec in audio.codecs] == [
        "opus/48000/2",
        "red/48000/2",
        "g722/8000",
        "pcmu/8000",
        "pcma/8000",
        "cn/8000",
        "telephone-event/48000",
        "telephone-event/8000",
    ]
    assert audio.ssrcs == (3735928559,)
    assert audio.direction is Direction.SENDRECV
    assert audio.setup is Setup.ACTPASS
    assert audio.ice == IceParameters("Xk3p", "u1fJ2pQ0vZb8s5mN4hT7wR9y", False, ("trickle",))
    assert len(audio.candidates) == 1
    assert simulcast.direction is Direction.SENDONLY
    assert simulcast.bandwidth_bps == 2_500_000
    assert simulcast.ssrcs == ()
    assert simulcast.rids[1] == Rid("m", "send", "pt=96;max-width=640")
    assert simulcast.simulcast == Simulcast(send=("h", "m", "~l"))
    assert HeaderExtension(10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id") in (
        simulcast.extensions
    )
    assert munged.msid == ("-", "77f0f5a4-6f1b-4b0e-9d57-0a1b2c3d4e5f")
    assert munged.ssrcs == (1001, 1002, 1003, 2001, 2002, 2003)
    assert munged.ssrc_groups[0] == SsrcGroup("SIM", (1001, 1002, 1003))
    assert [codec.feedback for codec in munged.codecs] == [("nack pli", "nack"), ("nack",)]
    assert (data.kind, data.sctp_port, data.max_message_size) == ("application", 5000, 262144)
    assert offer.transport is not None
    assert offer.transport.fingerprints[0].algorithm == "sha-256"
    assert parse(write(offer)) == offer


async def test_an_aiortc_offer_is_read_as_it_says() -> None:
    peer = RTCPeerConnection(
        RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    )
    try:
        peer.addTransceiver("audio")
        peer.addTransceiver("video")
        peer.createDataChannel("chat")
        offer = parse((await peer.createOffer()).sdp)
    finally:
        await peer.close()
    audio, video, data = offer.sections
    assert audio.codecs[0].key == "opus/48000/2"
    assert {codec.key for codec in video.codecs} >= {"vp8/90000", "h264/90000/42e0/1"}
    assert video.ssrc_groups == (SsrcGroup("FID", video.ssrcs),)
    assert data.sctp_port == 5000
    assert len(audio.fingerprints) == 3
    assert parse(write(offer)) == offer


# ---------------------------------------------------------------------------- single rules


def test_attributes_of_the_session_apply_to_sections_without_their_own() -> None:
    text = (
        HEAD + "c=IN IP4 192.0.2.9\r\na=ice-lite\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n"
        "a=ice-options:trickle\r\na=fingerprint:sha-256 AA\r\na=setup:passive\r\na=recvonly\r\n"
        + AUDIO
        + AUDIO.replace("mid:0", "mid:1")
        + "a=ice-ufrag:w\r\na=ice-pwd:q\r\n"
        "a=fingerprint:sha-256 BB\r\na=setup:active\r\na=sendonly\r\nc=IN IP4 192.0.2.8\r\n"
    )
    first, second = parse(text).sections
    assert first.ice == IceParameters("u", "p", True, ("trickle",))
    assert first.fingerprints == (Fingerprint("sha-256", "AA"),)
    assert (first.setup, first.direction) == (Setup.PASSIVE, Direction.RECVONLY)
    assert first.address == "192.0.2.9"
    assert second.ice == IceParameters("w", "q", True, ("trickle",))
    assert second.fingerprints == (Fingerprint("sha-256", "BB"),)
    assert (second.setup, second.direction) == (Setup.ACTIVE, Direction.SENDONLY)
    assert second.address == "192.0.2.8"


def test_a_description_without_sections_has_no_transport() -> None:
    assert parse(HEAD).transport is None


def test_the_transport_is_that_of_the_first_section_in_use() -> None:
    rejected = AUDIO.replace("audio 9", "audio 0") + "a=ice-ufrag:x\r\na=ice-pwd:y\r\n"
    used = AUDIO.replace("mid:0", "mid:1") + "a=ice-ufrag:u\r\na=ice-pwd:p\r\n"
    transport = parse(HEAD + rejected + used).transport
    assert transport is not None
    assert transport.ice.ufrag == "u"


def test_a_track_of_an_old_peer_is_known_by_its_ssrc_lines() -> None:
    text = HEAD + AUDIO + "a=ssrc:5 cname:c\r\na=ssrc:5 msid:stream track\r\n"
    assert parse(text).sections[0].msid == ("stream", "track")


def test_a_format_without_rtpmap_is_left_out() -> None:
    text = HEAD + AUDIO.replace("SAVPF 111", "SAVPF 0 111")
    assert [codec.payload_type for codec in parse(text).sections[0].codecs] == [111]


def test_a_section_without_codecs_can_be_written() -> None:
    description = SessionDescription((MediaSection("audio", "0", port=0),))
    assert parse(write(description)) == description


def test_data_parameters_have_the_defaults_of_rfc_8841() -> None:
    text = HEAD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
    assert parse(text).sections[0].sctp_port == 5000
    assert parse(text).sections[0].max_message_size == 65536


def test_a_session_bandwidth_of_another_type_is_ignored() -> None:
    assert parse(HEAD + AUDIO + "b=CT:5\r\nb=TIAS:7\r\n").sections[0].bandwidth_bps == 7


def test_extension_ids_that_cannot_be_sent_are_left_out() -> None:
    text = HEAD + AUDIO + "a=extmap:4096 urn:a\r\na=extmap:15 urn:b\r\na=extmap:255 urn:c x\r\n"
    assert parse(text).sections[0].extensions == (HeaderExtension(255, "urn:c"),)


def test_a_rejected_section_needs_no_mid() -> None:
    section = parse(HEAD + "m=video 0 UDP/TLS/RTP/SAVPF 96\n").sections[0]
    assert section.is_rejected
    assert section.mid == ""


@pytest.mark.feature("SECURITY-001")
@pytest.mark.parametrize("protocol", ["RTP/AVP", "RTP/SAVPF", "UDP/DTLS/SCTP"])
def test_media_without_dtls_is_refused(protocol: str) -> None:
    with pytest.raises(MalformedPacketError, match="DTLS"):
        parse(HEAD + AUDIO.replace("UDP/TLS/RTP/SAVPF", protocol))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=1\r\no=- 1 2 IN IP4 127.0.0.1\r\n",
        "v=0\r\no=- 1 2\r\n",
        "v=0\r\no=- one 2 IN IP4 127.0.0.1\r\n",
        HEAD + "nonsense\r\n",
        HEAD + "s=a\rb\r\n",
        HEAD + "m=text 9 UDP/TLS/RTP/SAVPF 1\r\n",
        HEAD + "m=audio 70000 UDP/TLS/RTP/SAVPF 1\r\n",
        HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 1\r\n",
        HEAD + AUDIO + AUDIO,
        HEAD + AUDIO.replace("111", "128"),
        HEAD + AUDIO.replace("SAVPF 111", "SAVPF 111 111"),
        HEAD + AUDIO + "a=setup:both\r\n",
        HEAD + AUDIO + "a=extmap:0 urn:a\r\n",
        HEAD + AUDIO + "a=extmap:1/up urn:a\r\n",
        HEAD + AUDIO + "a=ssrc:4294967296 cname:a\r\n",
        HEAD + AUDIO + "a=ssrc-group:FID 1 x\r\n",
        HEAD + AUDIO + "a=rid:h\r\n",
        HEAD + AUDIO + "a=rid:h up\r\n",
        HEAD + AUDIO + "a=simulcast:send\r\n",
        HEAD + AUDIO + "a=simulcast:up h\r\n",
        HEAD + AUDIO.replace("opus/48000/2", "opus"),
        HEAD + AUDIO.replace("opus/48000/2", "/48000"),
        HEAD + AUDIO.replace("opus/48000/2", "opus/-1"),
    ],
)
def test_text_that_breaks_a_rule_is_refused(text: str) -> None:
    with pytest.raises(MalformedPacketError):
        parse(text)


def test_text_beyond_the_limits_is_refused() -> None:
    many = "".join(AUDIO.replace("mid:0", f"mid:{n}") for n in range(sdp.MAX_SECTIONS + 1))
    candidates = "a=candidate:1 1 udp 1 192.0.2.1 7 typ host\r\n" * (sdp.MAX_CANDIDATES + 1)
    for text in (HEAD + many, HEAD + AUDIO + candidates, HEAD + "s=" + "x" * sdp.MAX_TEXT_LENGTH):
        with pytest.raises(MalformedPacketError):
            parse(text)


@pytest.mark.parametrize("value", ["a\r\na=mid:9", "a\nb"])
def test_a_value_with_a_line_break_is_not_written(value: str) -> None:
    with pytest.raises(InvalidArgumentError):
        write(SessionDescription((MediaSection("audio", "0", msid=("s", value)),)))
