import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import MalformedPacketError
from acs_core.media.jitter import (
    AudioGap,
    AudioJitterBuffer,
    AudioPacket,
    VideoJitterBuffer,
)

KEY_START, DELTA_START, MIDDLE = b"\x10\x00", b"\x10\x01", b"\x00\x01"
SILK_20_MS = b"\x08"


def picture(number: int, *, packets: int = 3, key: bool = False) -> list[tuple[int, bool, bytes]]:
    """Timestamp, marker and payload of a VP8 picture's packets."""
    parts = [KEY_START if key else DELTA_START] + [MIDDLE] * (packets - 1)
    return [
        (number * 3000, index == packets - 1, part + bytes([number & 0xFF, index]))
        for index, part in enumerate(parts)
    ]


def stream(pictures: int, *, keys: tuple[int, ...] = (0,), first: int = 65530):
    """(sequence number, timestamp, marker, payload) of a stream of pictures."""
    packets = [
        packet for number in range(pictures) for packet in picture(number, key=number in keys)
    ]
    return [((first + index) & 0xFFFF, *packet) for index, packet in enumerate(packets)]


class TestVideo:
    def test_a_picture_leaves_with_its_marker_and_does_not_wait_for_the_next(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        first, second, third = stream(1)
        assert buffer.add(*first, 0.0) == []
        assert buffer.add(*second, 0.1) == []
        (frame,) = buffer.add(*third, 0.2)
        assert (frame.timestamp, frame.is_keyframe, frame.arrival) == (0, True, 0.2)
        assert frame.data == b"\x00\x00\x00\x01\x00\x01\x01\x00\x02"

    def test_nothing_leaves_before_a_keyframe(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        frames = [f for p in stream(4, keys=(2,)) for f in buffer.add(*p, 0.0)]
        assert [frame.timestamp for frame in frames] == [6000, 9000]
        assert not buffer.is_waiting_for_keyframe

    def test_a_hole_is_waited_for_and_then_given_up_until_the_next_keyframe(self) -> None:
        buffer = VideoJitterBuffer("VP8", timeout=0.4)
        packets = stream(6, keys=(0, 5))
        lost = packets.pop(4)
        frames = [f for p in packets[:8] for f in buffer.add(*p, 1.0)]
        assert [frame.timestamp for frame in frames] == [0]
        assert buffer.next_deadline == 1.4
        assert buffer.poll(1.39) == []
        assert not buffer.take_keyframe_request()
        assert buffer.poll(1.4) == []
        assert buffer.take_keyframe_request()
        assert not buffer.take_keyframe_request()
        assert buffer.is_waiting_for_keyframe
        assert buffer.next_deadline is None
        assert buffer.add(*lost, 1.5) == []
        frames = [f for p in packets[8:] for f in buffer.add(*p, 2.0)]
        assert [(f.timestamp, f.is_keyframe) for f in frames] == [(15000, True)]
        assert buffer.frames_dropped >= 2

    def test_a_repaired_hole_lets_everything_out_in_order(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        packets = stream(4)
        late = packets.pop(4)
        for packet in packets:
            buffer.add(*packet, 0.0)
        assert [f.timestamp for f in buffer.add(*late, 0.3)] == [3000, 6000, 9000]
        assert buffer.next_deadline is None

    def test_a_complete_keyframe_makes_the_hole_before_it_irrelevant(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        packets = stream(4, keys=(0, 2))
        del packets[4]
        frames = [f for p in packets for f in buffer.add(*p, 0.0)]
        assert [f.timestamp for f in frames] == [0, 6000, 9000]
        assert not buffer.take_keyframe_request()

    def test_a_changed_timestamp_ends_a_picture_without_marker(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        buffer.add(10, 0, False, KEY_START, 0.0)
        (frame,) = buffer.add(11, 3000, False, DELTA_START, 0.0)
        assert frame.timestamp == 0

    def test_padding_only_packets_fill_their_place(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        first, second = stream(2)[:3], stream(2)[3:]
        for packet in first:
            buffer.add(*packet, 0.0)
        padding = first[-1][0] + 1 & 0xFFFF
        assert buffer.add(padding, 0, False, b"", 0.0) == []
        shifted = [((p[0] + 1) & 0xFFFF, *p[1:]) for p in second]
        assert [f.timestamp for p in shifted for f in buffer.add(*p, 0.0)] == [3000]

    def test_a_damaged_payload_changes_nothing(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        with pytest.raises(MalformedPacketError):
            buffer.add(1, 0, True, b"\x80", 0.0)
        assert [f.timestamp for p in stream(1, first=1) for f in buffer.add(*p, 0.0)] == [0]

    def test_a_far_jump_is_another_stream(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        frames = [f for p in stream(2, first=0) for f in buffer.add(*p, 0.0)]
        frames += [f for p in stream(2, first=30000) for f in buffer.add(*p, 0.0)]
        assert [f.timestamp for f in frames] == [0, 3000, 0, 3000]
        assert buffer.take_keyframe_request()

    def test_memory_is_bounded_behind_a_hole_and_without_a_keyframe(self) -> None:
        buffer = VideoJitterBuffer("VP8", maximum_packets=200)
        packets = stream(400)
        del packets[4]
        for packet in packets:
            buffer.add(*packet, 0.0)
        assert buffer.take_keyframe_request()
        assert len(buffer._packets) <= 200

    def test_giving_up_keeps_a_later_keyframe_that_is_only_partly_here(self) -> None:
        buffer = VideoJitterBuffer("VP8")
        packets = stream(3, keys=(0, 2))
        *arrived, last = [p for i, p in enumerate(packets) if i != 4]
        for packet in arrived:
            buffer.add(*packet, 0.0)
        assert buffer.give_up(0.1) == []
        assert [f.timestamp for f in buffer.add(*last, 0.2)] == [6000]

    @given(st.integers(0, 2**32), st.floats(0, 0.3), st.integers(0, 8), st.booleans())
    def test_whatever_the_network_does_pictures_are_whole_in_order_and_decodable(
        self, seed: int, loss: float, reorder: int, duplicates: bool
    ) -> None:
        chance = random.Random(seed)
        packets = stream(40, keys=(0, 13, 26))
        sent = [p for p in packets if chance.random() >= loss]
        if duplicates:
            sent += chance.choices(packets, k=10)
        order = sorted(
            range(len(sent)),
            key=lambda i: packets.index(sent[i]) + chance.random() * reorder,
        )
        buffer = VideoJitterBuffer("VP8", timeout=0.4)
        frames = []
        for step, index in enumerate(order):
            now = step * 0.01
            frames += buffer.poll(now)
            frames += buffer.add(*sent[index], now)
        stamps = [frame.timestamp for frame in frames]
        assert stamps == sorted(set(stamps))
        for previous, frame in zip([None, *frames], frames, strict=False):
            number = frame.timestamp // 3000
            assert frame.data == b"".join(p[2][1:] for p in picture(number, key=frame.is_keyframe))
            follows = previous is not None and frame.timestamp == previous.timestamp + 3000
            assert frame.is_keyframe or follows
        if loss == 0 and reorder == 0:
            assert len(frames) == 40


def sound(buffer: AudioJitterBuffer, numbers, *, delay=lambda n: 0.05, payload=SILK_20_MS):
    """Feed packets in order of arrival; return everything that comes out."""
    arrivals = sorted((n * 0.02 + delay(n), n) for n in numbers)
    out = []
    for arrival, number in arrivals:
        while (deadline := buffer.next_deadline) is not None and deadline <= arrival:
            out += buffer.pop(deadline)
        buffer.add(
            (65500 + number) & 0xFFFF, (number * 960 + 2**32 - 5000) % 2**32, payload, arrival
        )
        out += buffer.pop(arrival)
    out += buffer.pop(arrivals[-1][0] + 1.0)
    return out


class TestAudio:
    def test_packets_come_out_in_order_after_the_delay(self) -> None:
        buffer = AudioJitterBuffer(minimum_delay=0.02)
        buffer.add(1, 0, SILK_20_MS, 5.0)
        assert buffer.pop(5.0) == []
        assert buffer.next_deadline == pytest.approx(5.02)
        assert buffer.pop(5.0201) == [AudioPacket(0, SILK_20_MS)]
        assert buffer.next_deadline is None

    def test_a_lost_packet_is_a_gap_with_its_successor(self) -> None:
        out = sound(AudioJitterBuffer(), [0, 1, 3, 4])
        gaps = [unit for unit in out if isinstance(unit, AudioGap)]
        assert [(gap.samples, gap.following) for gap in gaps] == [(960, SILK_20_MS)]
        assert [type(unit) for unit in out].index(AudioGap) == 2

    def test_a_pause_of_the_sender_is_a_gap_that_was_no_loss(self) -> None:
        buffer = AudioJitterBuffer()
        buffer.add(1, 0, SILK_20_MS, 0.0)
        buffer.add(2, 960 * 5, SILK_20_MS, 0.1)
        out = buffer.pop(1.0)
        assert out[1] == AudioGap(960, 960 * 4, None)
        assert buffer.samples_concealed == 0

    def test_a_long_pause_is_not_filled(self) -> None:
        buffer = AudioJitterBuffer()
        buffer.add(1, 0, SILK_20_MS, 0.0)
        buffer.pop(1.0)
        buffer.add(2, 48000 * 60, SILK_20_MS, 60.0)
        assert buffer.pop(61.0) == [AudioPacket(48000 * 60, SILK_20_MS)]

    def test_late_packets_are_dropped_and_teach_the_buffer(self) -> None:
        buffer = AudioJitterBuffer()
        before = buffer.target_delay
        out = sound(buffer, range(100), delay=lambda n: 0.15 if n % 10 == 5 else 0.05)
        assert buffer.packets_late > 0
        assert buffer.target_delay > before
        last = [unit for unit in out if unit.timestamp > out[0].timestamp + 50 * 960]
        assert not any(isinstance(unit, AudioGap) for unit in last)

    def test_the_delay_has_bounds(self) -> None:
        buffer = AudioJitterBuffer(minimum_delay=0.02, maximum_delay=0.2)
        sound(buffer, range(50))
        assert buffer.target_delay == 0.02
        sound(buffer, range(50, 200), delay=lambda n: (n % 7) * 0.15)
        assert buffer.target_delay == 0.2

    def test_a_new_clock_starts_afresh(self) -> None:
        buffer = AudioJitterBuffer()
        buffer.add(1, 0, SILK_20_MS, 0.0)
        buffer.pop(1.0)
        assert buffer.add(9, 960, SILK_20_MS, 10.0)
        assert buffer.pop(10.1) == [AudioPacket(960, SILK_20_MS)]

    def test_damaged_packets_change_nothing(self) -> None:
        buffer = AudioJitterBuffer()
        with pytest.raises(MalformedPacketError):
            buffer.add(1, 0, b"", 0.0)
        assert buffer.next_deadline is None

    def test_a_flood_does_not_grow_the_buffer(self) -> None:
        buffer = AudioJitterBuffer()
        for number in range(300):
            buffer.add(number, number * 960, SILK_20_MS, 0.0)
            buffer.pop(0.0)
        assert len(buffer._packets) <= 101

    @given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.1), st.booleans())
    def test_output_is_gapless_time_whatever_the_network_does(
        self, seed: int, loss: float, jitter: float, duplicates: bool
    ) -> None:
        chance = random.Random(seed)
        numbers = [n for n in range(150) if n in (0, 149) or chance.random() >= loss]
        if duplicates:
            numbers += chance.choices(numbers, k=10)
        buffer = AudioJitterBuffer()
        out = sound(buffer, numbers, delay=lambda n: 0.05 + chance.random() * jitter)
        expected = out[0].timestamp
        skipped = 0
        for unit in out:
            skipped += unit.timestamp - expected
            expected = unit.timestamp + (unit.samples if isinstance(unit, AudioGap) else 960)
        if skipped:
            # Only losses longer than the limit are left out.
            assert loss > 0
            assert skipped > AudioJitterBuffer.MAX_CONCEALED * 48000
        assert buffer.samples_played + skipped == expected - out[0].timestamp
        if jitter == 0 and not duplicates:
            assert buffer.packets_late == 0
