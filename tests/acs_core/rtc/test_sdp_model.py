from __future__ import annotations

import pytest

from acs_core.rtc.sdp_model import (
    Codec,
    Direction,
    Fingerprint,
    IceParameters,
    LocalTransport,
    MediaSection,
    Setup,
)

FINGERPRINT = Fingerprint("sha-256", "AA:BB")


def h264(profile_level_id: str | None, mode: str = "1") -> Codec:
    profile = f";profile-level-id={profile_level_id}" if profile_level_id else ""
    return Codec(102, "H264", 90000, fmtp=f"packetization-mode={mode}{profile}")


@pytest.mark.parametrize(
    ("codec", "key"),
    [
        (Codec(111, "opus", 48000, 2), "opus/48000/2"),
        (Codec(0, "PCMU", 8000, 1), "pcmu/8000"),
        (Codec(0, "PCMU", 8000), "pcmu/8000"),
        (Codec(96, "VP8", 90000), "vp8/90000"),
        (Codec(98, "VP9", 90000), "vp9/90000/0"),
        (Codec(98, "VP9", 90000, fmtp="profile-id=2"), "vp9/90000/2"),
        (Codec(45, "AV1", 90000, fmtp="level-idx=5; Profile=1;tier=0"), "av1/90000/1"),
        (Codec(49, "H265", 90000), "h265/90000/1"),
        (Codec(97, "rtx", 90000, fmtp="apt=96"), "rtx/90000"),
        (Codec(102, "H264", 90000), "h264/90000/42e0/0"),
        (h264(None), "h264/90000/42e0/1"),
        (h264("42e01f"), "h264/90000/42e0/1"),
        (h264("42C034"), "h264/90000/42e0/1"),
        (h264("4d801f"), "h264/90000/42e0/1"),
        (h264("58c01f"), "h264/90000/42e0/1"),
        (h264("42001f"), "h264/90000/4200/1"),
        (h264("58801f"), "h264/90000/5880/1"),
        (h264("4d001f", "0"), "h264/90000/4d00/0"),
        (h264("640c1f"), "h264/90000/640c/1"),
        (h264("xyz"), "h264/90000/xyz/1"),
    ],
)
def test_codecs_that_understand_each_other_have_the_same_key(codec: Codec, key: str) -> None:
    assert codec.key == key


def test_only_rtx_repeats_another_payload_type() -> None:
    assert Codec(97, "RTX", 90000, fmtp="apt=96;rtx-time=3000").apt == 96
    assert Codec(97, "rtx", 90000).apt is None
    assert Codec(97, "rtx", 90000, fmtp="apt=x").apt is None
    assert Codec(96, "VP8", 90000, fmtp="apt=95").apt is None


def test_a_parameter_without_value_is_empty_and_a_missing_one_is_none() -> None:
    codec = Codec(96, "VP8", 90000, fmtp="flag")
    assert codec.parameter("flag") == ""
    assert codec.parameter("other") is None


@pytest.mark.parametrize("direction", Direction)
def test_a_direction_is_what_it_sends_and_receives(direction: Direction) -> None:
    sends, receives = direction.is_sending, direction.is_receiving
    assert Direction.of(send=sends, receive=receives) is direction


def test_a_local_transport_is_written_into_a_section() -> None:
    candidate = "1 1 udp 2130706431 192.0.2.1 7781 typ host"
    local = LocalTransport("ufrag", "pwd", (candidate,), FINGERPRINT)
    section = local.apply(MediaSection("audio", "0"), Setup.PASSIVE, lite=True)
    assert (section.address, section.port) == ("192.0.2.1", 7781)
    assert section.ice == IceParameters("ufrag", "pwd", lite=True)
    assert section.candidates == (candidate,)
    assert section.end_of_candidates
    assert section.fingerprints == (FINGERPRINT,)
    assert section.setup is Setup.PASSIVE


def test_a_rejected_section_keeps_its_port() -> None:
    local = LocalTransport("u", "p", ("1 1 udp 1 192.0.2.1 7781 typ host",), FINGERPRINT)
    assert local.apply(MediaSection("audio", "0", port=0), Setup.ACTIVE).port == 0


@pytest.mark.parametrize("candidates", [(), ("1 1 udp",), ("1 1 udp 1 192.0.2.1 x typ host",)])
def test_without_a_usable_candidate_the_destination_is_to_discard(
    candidates: tuple[str, ...],
) -> None:
    assert LocalTransport("u", "p", candidates, FINGERPRINT).destination() == ("0.0.0.0", 9)


def test_a_bundled_section_with_port_zero_is_not_rejected() -> None:
    assert MediaSection("audio", "0", port=0).is_rejected
    assert not MediaSection("audio", "0", port=0, bundle_only=True).is_rejected
