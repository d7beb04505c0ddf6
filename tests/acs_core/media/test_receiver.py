import asyncio
import gc
import threading
import time
import tracemalloc

import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.patterns import dominant_color, dominant_frequency, read_counter
from acs_core.media.receiver import ReceiveEncoding, StreamReceiver
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.rtc.packet import pack_packet, parse_header

COLOR = (200, 60, 40)


async def take(stream, count: int, timeout: float = 15.0) -> list:
    frames = []
    async with asyncio.timeout(timeout):
        async for frame in stream:
            frames.append(frame)
            if len(frames) == count:
                break
    return frames


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("codec", ["VP8", "H264"])
@pytest.mark.parametrize(("loss", "seed", "least"), [(0.05, 11, 30), (0.2, 12, 20)])
async def test_pictures_survive_loss(media_link, codec, loss, seed, least) -> None:
    source = PatternSource(320, 180, 30, color=COLOR)
    async with media_link(loss=loss, seed=seed, delay=0.01) as link:
        _, receiver = link.add(source, codec)
        stream = receiver.frames("queue", maximum=100)
        frames = await take(stream, 60)
        stats = receiver.stats(now())
        assert link.forward.lost > 2
    await source.close()
    counters = [read_counter(frame.to_rgb()) for frame in frames]
    assert all(counter is not None for counter in counters)
    assert counters == sorted(set(counters))
    span = counters[-1] - counters[0] + 1
    assert 60 / span * 60 >= least
    assert np.abs(np.subtract(dominant_color(frames[-1].to_rgb()), COLOR)).max() < 20
    assert stats.packets_repaired > 0
    assert stats.nacks_sent > 0


@pytest.mark.parametrize(("loss", "seed", "concealed"), [(0.05, 21, 0.12), (0.2, 22, 0.32)])
async def test_sound_survives_loss(media_link, loss, seed, concealed) -> None:
    source = ToneSource(440.0)
    async with media_link(loss=loss, seed=seed, delay=0.01) as link:
        _, receiver = link.add(source, "opus")
        frames = await take(receiver.frames(maximum=100), 100)
        stats = receiver.stats(now())
    await source.close()
    assert 0 < stats.concealed_fraction < concealed
    pcm = np.concatenate([frame.samples[:, 0] for frame in frames])
    # Time goes on without holes: every frame begins where the one before ended.
    ends = np.cumsum([frame.samples.shape[0] for frame in frames]) / 48000
    times = np.array([frame.time for frame in frames])
    assert np.allclose(times[1:], ends[:-1], atol=1e-6)
    tuned = [
        abs(dominant_frequency(part, 48000) - 440) < 15
        for part in np.array_split(pcm, len(pcm) // 4800)[2:]
    ]
    assert np.mean(tuned) >= 0.85


async def test_an_unread_stream_costs_no_decoder_and_no_memory(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        _, receiver = link.add(source, "VP8")
        reader = await source.open()
        await take(reader, 10)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.take_snapshot()
        await take(reader, 45)
        gc.collect()
        after = tracemalloc.take_snapshot()
        tracemalloc.stop()
        reader.close()
        stats = receiver.stats(now())
        grown = [
            statistic
            for statistic in after.compare_to(before, "filename")
            if "/media/receiver" in statistic.traceback[0].filename
            or "/media/jitter" in statistic.traceback[0].filename
        ]
        assert sum(statistic.size_diff for statistic in grown) < 20_000
        assert stats.packets_received > 15
        assert stats.frames_decoded == 0
        assert stats.nacks_sent == stats.keyframe_requests == 0
        assert not receiver.has_decoder
        assert not receiver.is_read
    await source.close()


async def test_reading_begins_with_a_keyframe_and_ends_the_decoder(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, receiver = link.add(source, "VP8")
        reader = await source.open()
        await take(reader, 15)
        reader.close()
        before = sender.stats(now()).keyframes_encoded
        start = now()
        stream = receiver.frames()
        await take(stream, 1)
        assert now() - start < 0.5
        assert sender.stats(now()).keyframes_encoded > before
        assert receiver.has_decoder
        stream.close()
        stream.close()
        assert not receiver.has_decoder
        assert [frame async for frame in stream] == []
        decoded = receiver.stats(now()).frames_decoded
        assert decoded >= 1
        await take(receiver.frames(), 3)
        assert receiver.stats(now()).frames_decoded >= decoded + 3
    await source.close()


async def test_readers_do_not_disturb_each_other(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        _, receiver = link.add(source, "VP8")
        slow, latest, quick = (
            receiver.frames("queue", maximum=2),
            receiver.frames(),
            receiver.frames("queue"),
        )
        counters = [read_counter(frame.to_rgb()) for frame in await take(quick, 15)]
        assert counters == sorted(set(counters))
        assert quick.dropped == 0
        assert slow.dropped == 13
        assert latest.dropped == 14
        newest = [read_counter(frame.to_rgb()) for frame in await take(latest, 1)]
        assert newest == counters[-1:]
        kept = [read_counter(frame.to_rgb()) for frame in await take(slow, 2)]
        assert kept == counters[-2:]
    await source.close()


async def ages(stream) -> list[float]:
    """How old frames are when they are read, by their capture time; the first ones may not tell."""
    result = []
    async with asyncio.timeout(15):
        async for frame in stream:
            if frame.capture_time is not None:
                result.append(time.time() - frame.capture_time)
            if len(result) == 20:
                break
    return result


async def test_capture_time_relates_sound_and_pictures(media_link) -> None:
    picture, sound = PatternSource(320, 180, 30), ToneSource()
    async with media_link(delay=0.05) as link:
        _, pictures = link.add(picture, "VP8")
        _, sounds = link.add(sound, "opus")
        shown, heard = await asyncio.gather(ages(pictures.frames("queue")), ages(sounds.frames()))
        for age in (np.median(shown), np.median(heard)):
            # The network takes 50 ms, and sound is held for at least 20 ms more.
            assert 0.04 < age < 0.4
    await picture.close()
    await sound.close()


async def test_a_lost_beginning_is_repaired_by_asking_again(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        link.forward.loss = 1.0
        _, receiver = link.add(source, "VP8")
        stream = receiver.frames()
        reader = await source.open()
        await take(reader, 10)
        reader.close()
        link.forward.loss = 0.0
        await take(stream, 3)
        assert receiver.stats(now()).keyframe_requests >= 2
    await source.close()


async def test_closing_ends_readers_and_leaves_no_task_or_thread(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        _, receiver = link.add(source, "VP8")
        stream = receiver.frames("queue")
        await take(stream, 3)
        waiting = asyncio.create_task(take(receiver.frames(), 1000))
        await asyncio.sleep(0)
        await receiver.close()
        await receiver.close()
        await waiting
        with pytest.raises(InvalidStateError):
            receiver.frames()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "decode"]
        assert len([frame async for frame in stream]) <= 30
    await source.close()
    names = {thread.name.rsplit("_", 1)[0] for thread in threading.enumerate()}
    assert not [name for name in names if "decoder" in name]


class Deaf:
    """A path for which nobody listens."""

    state = "connected"

    def __init__(self) -> None:
        self.rtcp: list = []

    def send_rtp(self, data: bytes) -> None:
        raise AssertionError

    def send_rtcp(self, packets) -> None:
        self.rtcp += packets


def encoding(**changes) -> ReceiveEncoding:
    fields = {"mid": "0", "kind": "video", "ssrc": 7, "codecs": {96: "VP8"}}
    return ReceiveEncoding(**{**fields, **changes})


def feed(receiver: StreamReceiver, sequence_number: int, payload: bytes, **changes) -> None:
    data = pack_packet(
        **{
            "payload_type": 96,
            "marker": True,
            "sequence_number": sequence_number,
            "timestamp": sequence_number * 3000,
            "ssrc": 7,
            "payload": payload,
            **changes,
        }
    )
    receiver.handle_rtp(data, parse_header(data), now())


async def test_damaged_unknown_and_empty_packets_are_dropped() -> None:
    receiver = StreamReceiver(Deaf(), encoding(rtx_ssrc=8, rtx={97: 96}), sender_ssrc=1)
    stream = receiver.frames()
    feed(receiver, 1, b"\x80")
    feed(receiver, 2, b"\x10", payload_type=50)
    feed(receiver, 3, b"\x10\x00garbage that is no picture")
    feed(receiver, 4, b"\x00", ssrc=8, payload_type=97)
    feed(receiver, 5, b"\x00\x00\x00\x00", ssrc=8, payload_type=55)
    assert receiver.report_block(now()) is not None
    assert receiver.stats(now()).packets_received == 2
    await receiver.close()
    assert [frame async for frame in stream] == []


async def test_no_report_before_the_first_packet() -> None:
    receiver = StreamReceiver(Deaf(), encoding(), sender_ssrc=1)
    assert receiver.report_block(now()) is None
    await receiver.close()


async def test_another_ssrc_starts_the_figures_afresh() -> None:
    path = Deaf()
    receiver = StreamReceiver(path, encoding(), sender_ssrc=1)
    receiver.frames()
    feed(receiver, 1, b"\x10\x01")
    receiver.reconfigure(encoding())
    assert receiver.stats(now()).packets_received == 1
    receiver.reconfigure(encoding(ssrc=9))
    assert receiver.stats(now()).packets_received == 0
    assert [packet.media_ssrc for packet in path.rtcp][-1] == 9
    await receiver.close()


async def test_a_queue_of_nothing_is_refused() -> None:
    receiver = StreamReceiver(Deaf(), encoding(), sender_ssrc=1)
    with pytest.raises(InvalidArgumentError):
        receiver.frames("queue", maximum=0)
    await receiver.close()
