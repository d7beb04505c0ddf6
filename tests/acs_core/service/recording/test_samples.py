from __future__ import annotations

from itertools import chain

import pytest

from acs_core.rtc.packet import pack_packet
from acs_core.service.recording.order import PacketOrder
from acs_core.service.recording.samples import PictureSamples, Sample, SampleMaker, SoundSamples
from acs_core.service.sfu.plane.taps import TappedPacket
from tests.support.coding import CODED, coded_pictures, tapped_pictures


def samples_of(maker: SampleMaker, packets: list[TappedPacket]) -> list[Sample]:
    order = PacketOrder(patience=0.1)
    items = [item for packet in packets for item in order.add(packet)]
    items += order.flush()
    made = [sample for item in items for sample in maker.take(item)]
    return [*made, *maker.finish()]


@pytest.mark.parametrize("codec", sorted(CODED))
def test_pictures_are_whole_and_know_where_a_player_can_begin(codec: str) -> None:
    tapped = tapped_pictures(codec, coded_pictures(codec, 6))
    made = samples_of(PictureSamples(codec), list(chain(*tapped)))
    assert [sample.is_keyframe for sample in made] == [True] + 5 * [False]
    assert made[0].size == (320, 180)
    assert [sample.rtp_timestamp - made[0].rtp_timestamp for sample in made] == [
        3000 * index for index in range(6)
    ]


@pytest.mark.parametrize("codec", ["VP8", "H264", "VP9"])
def test_after_a_loss_pictures_go_on_with_a_keyframe(codec: str) -> None:
    tapped = tapped_pictures(codec, coded_pictures(codec, 30, gop=10), gop=10)
    tapped[3] = tapped[3][:-1]
    maker = PictureSamples(codec)
    made = samples_of(maker, list(chain(*tapped)))
    numbers = [(sample.rtp_timestamp - made[0].rtp_timestamp) // 3000 for sample in made]
    assert numbers == [0, 1, 2, *range(10, 30)]
    assert made[3].is_keyframe
    assert not maker.needs_keyframe


def test_nothing_comes_before_the_first_keyframe() -> None:
    tapped = tapped_pictures("VP8", coded_pictures("VP8", 12, gop=10), gop=10)
    maker = PictureSamples("VP8")
    made = samples_of(maker, list(chain(*tapped[5:])))
    assert len(made) == 2
    assert made[0].is_keyframe


def test_a_picture_without_mark_ends_where_the_next_begins() -> None:
    tapped = tapped_pictures("VP8", coded_pictures("VP8", 3))
    bare = [
        TappedPacket(at, data[:1] + bytes([data[1] & 0x7F]) + data[2:])
        for at, data in chain(*tapped)
    ]
    assert len(samples_of(PictureSamples("VP8"), bare)) == 3


def test_what_cannot_be_read_is_left_out() -> None:
    tapped = tapped_pictures("VP8", coded_pictures("VP8", 3))
    at, data = tapped[1][0]
    tapped[1] = [TappedPacket(at, data[:12] + b"\x80")]
    maker = PictureSamples("VP8")
    assert len(samples_of(maker, list(chain(*tapped)))) == 1
    assert maker.needs_keyframe


def sound(number: int, payload: bytes) -> TappedPacket:
    data = pack_packet(
        payload_type=111,
        marker=False,
        sequence_number=number,
        timestamp=(2**32 - 960 + 960 * number) % 2**32,
        ssrc=1,
        payload=payload,
    )
    return TappedPacket(number / 50, data)


def test_packets_of_sound_know_how_long_they_are() -> None:
    # Table 2 of RFC 6716: configuration 31 is 20 ms, code 0 one frame, code 1 two.
    packets = [sound(0, b"\xf8x"), sound(1, b"\xf9xx"), sound(2, b""), sound(4, b"\xf8x")]
    made = samples_of(SoundSamples("OPUS", 48000), packets)
    assert [sample.duration for sample in made] == [0.02, 0.04, 0.02]
    assert [s.rtp_timestamp - made[0].rtp_timestamp for s in made] == [0, 960, 4 * 960]
    assert samples_of(SoundSamples("OPUS", 48000), [sound(0, b"\xfb")]) == []
    (one,) = samples_of(SoundSamples("PCMU", 8000), [sound(0, b"\xff\x00" * 80)])
    assert (one.duration, one.data[:4]) == (0.02, b"\x00\x00\x84\x82")
