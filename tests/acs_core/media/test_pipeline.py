import asyncio

import av
import pytest

from acs_core.errors import MalformedPacketError
from acs_core.media.encode import VideoEncoder
from acs_core.media.pipeline import AudioPipeline, VideoPipeline

KEY, DELTA = b"\x10\x00key", b"\x10\x01delta"


class Bench:
    """A video pipeline on a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.nacks: list[tuple[int, ...]] = []
        self.requests: list[float] = []
        self.frames: list[av.VideoFrame] = []
        self.pipeline = VideoPipeline(
            "VP8",
            on_frames=self.frames.extend,
            send_nack=self.nacks.append,
            send_keyframe_request=lambda: self.requests.append(self.now),
            clock=lambda: self.now,
        )

    def packet(self, number: int, payload: bytes = DELTA) -> None:
        self.pipeline.packet(number & 0xFFFF, number * 3000, True, payload, self.now)

    def run_until(self, end: float) -> None:
        while (deadline := self.pipeline.next_deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.pipeline.tick(self.now)
        self.now = end


@pytest.fixture
async def bench():
    bench = Bench()
    yield bench
    await bench.pipeline.worker.close()


async def test_a_gap_is_asked_for_until_it_is_given_up_with_a_keyframe_request(bench) -> None:
    bench.packet(0, KEY)
    bench.packet(2)
    assert bench.nacks == [(1,)]
    bench.run_until(0.35)
    assert bench.nacks == [(1,)] * 4
    assert bench.requests == []
    bench.run_until(0.45)
    assert bench.requests == [pytest.approx(0.4)]
    assert bench.pipeline.frames_dropped == 1


async def test_a_repair_stops_the_asking_and_teaches_the_interval(bench) -> None:
    bench.packet(0, KEY)
    for gap in range(20):
        base = 2 * gap
        bench.packet(base + 2)
        bench.run_until(bench.now + 0.02)
        bench.packet(base + 1)
    assert bench.pipeline.packets_repaired == 20
    bench.packet(50)
    count = len(bench.nacks)
    bench.run_until(bench.now + 0.1)
    # About 30 ms instead of 100.
    assert len(bench.nacks) - count >= 3


async def test_without_a_keyframe_requests_repeat_only_while_packets_come(bench) -> None:
    bench.packet(0)
    assert len(bench.requests) == 1
    bench.run_until(5.0)
    assert len(bench.requests) == 1
    bench.packet(1)
    assert len(bench.requests) == 2
    for number in range(2, 32):
        bench.run_until(bench.now + 0.033)
        bench.packet(number)
    assert 4 <= len(bench.requests) <= 6


async def test_requests_right_after_each_other_are_one(bench) -> None:
    bench.pipeline.request_keyframe(1.0)
    bench.pipeline.request_keyframe(1.1)
    assert bench.pipeline.keyframe_requests == 1


async def test_an_outage_asks_for_a_keyframe_and_not_for_everything(bench) -> None:
    bench.packet(0, KEY)
    bench.packet(2000)
    assert bench.nacks == []
    assert len(bench.requests) == 1


async def test_pictures_that_cannot_be_decoded_ask_for_a_keyframe(bench) -> None:
    bench.packet(0, b"\x10\x00this is no picture")
    async with asyncio.timeout(5):
        while not bench.requests:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert bench.frames == []


async def test_a_decoder_that_is_too_slow_skips_to_a_keyframe(bench) -> None:
    encoder = VideoEncoder("VP8", bitrate_bps=300_000, max_bitrate_bps=300_000)
    picture = av.VideoFrame(320, 180, "yuv420p")
    sequence_number = 0
    # All at once: the decoder's task gets no turn in between.
    for number in range(12):
        for payload in encoder.encode(picture, number * 3000, number / 30).payloads:
            bench.pipeline.packet(sequence_number, number * 3000, True, payload, 0.0)
            sequence_number += 1
    assert bench.pipeline.worker.overflows == 1
    assert len(bench.requests) == 1


async def test_damaged_payloads_are_refused(bench) -> None:
    with pytest.raises(MalformedPacketError):
        bench.packet(0, b"\x80")


async def test_sound_waits_for_its_time() -> None:
    out: list = []
    pipeline = AudioPipeline(on_frames=out.extend)
    pipeline.packet(1, 0, False, b"", 0.0)
    assert pipeline.next_deadline is None
    pipeline.packet(2, 960, False, b"\x08", 0.0)
    deadline = pipeline.next_deadline
    assert deadline == pytest.approx(0.02)
    pipeline.tick(deadline)
    async with asyncio.timeout(5):
        while not out:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await pipeline.worker.close()
    ((timestamp, samples),) = out
    assert (timestamp, samples.shape) == (960, (960, 2))
