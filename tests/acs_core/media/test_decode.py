import asyncio
import threading

import pytest

from acs_core.errors import MediaError
from acs_core.media.decode import AudioDecoder, DecodeWorker, VideoDecoder
from acs_core.media.jitter import AssembledFrame, AudioGap


class Slow:
    """Decodes numbers to themselves, when it may."""

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate

    def decode(self, work: int) -> list[int]:
        assert self.gate.wait(5)
        assert threading.current_thread().name.startswith("acs-video")
        if work == 13:
            raise MediaError("thirteen")
        if work == 14:
            raise ZeroDivisionError
        return [work]


class Bench:
    def __init__(self, maximum: int = 4) -> None:
        self.gate = threading.Event()
        self.out: list[int] = []
        self.failures = 0
        self.made = 0
        self.worker: DecodeWorker[int, int] = DecodeWorker(
            self.create,
            on_frames=self.out.extend,
            on_failure=self.failed,
            maximum=maximum,
            kind="video",
        )

    def create(self) -> Slow:
        self.made += 1
        return Slow(self.gate)

    def failed(self) -> None:
        self.failures += 1

    async def settle(self) -> None:
        async with asyncio.timeout(5):
            while self.worker.is_busy:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def test_there_is_no_decoder_before_there_is_work() -> None:
    bench = Bench()
    assert bench.worker.submit([])
    assert not bench.worker.has_decoder
    assert not bench.worker.is_busy
    bench.gate.set()
    assert bench.worker.submit([1, 2, 3])
    await bench.settle()
    assert bench.out == [1, 2, 3]
    assert (bench.made, bench.worker.has_decoder, bench.worker.frames_decoded) == (1, True, 3)
    await bench.worker.close()
    assert not bench.worker.has_decoder
    assert bench.worker.submit([4])
    assert bench.out == [1, 2, 3]


async def test_a_backlog_is_thrown_away_when_the_decoder_is_too_slow() -> None:
    bench = Bench(maximum=2)
    assert bench.worker.submit([1])
    await asyncio.sleep(0)
    assert bench.worker.submit([2, 3])
    assert not bench.worker.submit([4])
    assert bench.worker.overflows == 1
    assert bench.worker.submit([5])
    bench.gate.set()
    await bench.settle()
    assert bench.out == [1, 5]
    await bench.worker.close()


async def test_damage_is_reported_and_the_rest_decoded() -> None:
    bench = Bench()
    bench.gate.set()
    bench.worker.submit([1, 13, 2])
    await bench.settle()
    assert (bench.out, bench.failures) == ([1, 2], 1)
    bench.worker.submit([14])
    await bench.settle()
    assert bench.failures == 2
    await bench.worker.close()


async def test_closing_waits_for_the_thread_and_delivers_nothing_more() -> None:
    bench = Bench()
    bench.worker.submit([1])
    await asyncio.sleep(0)
    closing = asyncio.create_task(bench.worker.close())
    await asyncio.sleep(0)
    assert not closing.done()
    bench.gate.set()
    await closing
    assert bench.out == []


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_damaged_picture_is_a_media_error_or_nothing(codec: str) -> None:
    try:
        frames = VideoDecoder(codec).decode(AssembledFrame(0, b"\x00\x00\x01garbage", True, 0.0))
    except MediaError:
        return
    assert frames == []


def test_a_gap_becomes_silence_of_its_length() -> None:
    ((timestamp, samples),) = AudioDecoder().decode(AudioGap(480, 1920, None))
    assert (timestamp, samples.shape) == (480, (1920, 2))
