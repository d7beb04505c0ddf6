import asyncio

import numpy as np
import pytest

from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.frames import AudioFrame, VideoFrame, av_audio_frame
from acs_core.media.outgoing import SendEncoding
from acs_core.media.patterns import dominant_color, dominant_frequency, read_counter
from acs_core.media.program import ProgramVideoSource
from acs_core.media.sender import SendOptions, StreamSender
from acs_core.media.sources import MediaSource, Pacer, PatternSource, ToneSource
from acs_core.rtc.feedback import FullIntraRequest, Nack, PictureLossIndication


async def take(stream, count: int, timeout: float = 5.0) -> list:
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
async def test_pictures_arrive_with_color_and_counter(media_link, codec: str) -> None:
    source = PatternSource(320, 180, 30, color=(200, 60, 40))
    async with media_link() as link:
        sender, receiver = link.add(source, codec)
        frames = await take(receiver.frames("queue"), 15)
        stats = sender.stats(now())
    await source.close()
    counters = [read_counter(frame.to_rgb()) for frame in frames]
    assert counters == sorted(set(counters))
    for channel, expected in zip(dominant_color(frames[-1].to_rgb()), (200, 60, 40), strict=True):
        assert abs(channel - expected) < 20
    assert isinstance(frames[0], VideoFrame)
    assert (stats.codec_name, stats.frame_width, stats.frame_height) == (codec, 320, 180)
    assert stats.frames_encoded >= 15
    assert stats.packets_sent >= 15


async def test_sound_arrives_with_its_pitch_and_level(media_link) -> None:
    source = ToneSource(660.0, -20.0)
    async with media_link() as link:
        sender, receiver = link.add(source, "opus")
        frames = await take(receiver.frames(), 30)
        level = receiver.stats(now()).audio_level
        sent = sender.stats(now()).audio_level
    await source.close()
    assert all(isinstance(frame, AudioFrame) and frame.channels == 2 for frame in frames)
    samples = np.concatenate([frame.samples[:, 0] for frame in frames[10:]])
    assert abs(dominant_frequency(samples, 48000) - 660) < 5
    assert level == sent
    assert abs(level - 20) <= 1
    times = [frame.time for frame in frames]
    assert times[-1] == pytest.approx(29 * 0.02, abs=0.001)


class LosingSource(MediaSource):
    """200 ms of silence, 200 ms that are lost, then noise."""

    def __init__(self) -> None:
        super().__init__("audio", "Losing")
        self.stall_after = None

    async def _frames(self):
        pacer = Pacer()
        noise = np.random.default_rng(1).integers(-9000, 9000, (960, 1), dtype=np.int16)
        for number in (*range(10), *range(20, 40)):
            await pacer.wait(number * 0.02)
            yield av_audio_frame(noise if number >= 20 else noise * 0, pts=number * 960)
        await asyncio.Event().wait()


async def test_lost_sound_does_not_shift_what_comes_after_it(media_link) -> None:
    source = LosingSource()
    async with media_link() as link:
        _, receiver = link.add(source, "opus")
        stream = receiver.frames()
        quiet = [frame := (await take(stream, 1))[0]]
        while frame.level_dbov < -40:
            quiet.append(frame := (await take(stream, 1))[0])
    await source.close()
    assert frame.time - quiet[0].time == pytest.approx(0.4, abs=0.03)
    assert frame.capture_time - quiet[1].capture_time == pytest.approx(0.38, abs=0.03)


async def test_a_disabled_stream_sends_nothing_and_resumes_with_a_keyframe(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, receiver = link.add(source, "VP8")
        stream = receiver.frames("queue")
        await take(stream, 5)
        sender.enabled = False
        await asyncio.sleep(0.1)
        before = sender.stats(now())
        reader = await source.open()
        await take(reader, 10)
        reader.close()
        assert sender.stats(now()).packets_sent == before.packets_sent
        assert sender.stats(now()).frames_encoded == before.frames_encoded
        sender.enabled = True
        while sender.stats(now()).keyframes_encoded == before.keyframes_encoded:
            await take(stream, 1)
        assert receiver.stats(now()).freeze_count <= 1
    await source.close()


async def test_keyframes_come_on_request_but_not_in_storms(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, receiver = link.add(source, "VP8")
        stream = receiver.frames("queue")
        await take(stream, 10)
        before = sender.stats(now()).keyframes_encoded
        for _ in range(20):
            link.far.send_rtcp([PictureLossIndication(1, 1000)])
            link.far.send_rtcp([FullIntraRequest(1, ((1000, 1),))])
            link.far.send_rtcp([PictureLossIndication(1, 999)])
        await take(stream, 12)
        stats = sender.stats(now())
    await source.close()
    assert 40 <= stats.keyframe_requests <= 42
    assert 1 <= stats.keyframes_encoded - before <= 2


async def test_a_nack_is_answered_through_rtx(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, receiver = link.add(source, "VP8")
        await take(receiver.frames("queue"), 5)
        number = next(
            int.from_bytes(data[2:4], "big")
            for data in reversed(link.tap)
            if int.from_bytes(data[8:12], "big") == 1000
        )
        link.far.send_rtcp([Nack(1, 1000, (number, (number + 20000) & 0xFFFF))])
        link.far.send_rtcp([Nack(1, 1000, (number,))])
        await take(receiver.frames("queue"), 3)
        repeated = [d for d in link.tap if int.from_bytes(d[8:12], "big") == 2000]
        stats = sender.stats(now())
    await source.close()
    assert stats.nacks_received == 2
    # The second request came while the answer was on its way.
    assert stats.packets_resent == len(repeated) == 1


async def test_reports_tell_round_trip_and_loss(media_link) -> None:
    source = ToneSource()
    async with media_link(delay=0.03) as link:
        sender, receiver = link.add(source, "opus")
        stream = receiver.frames()
        await take(stream, 10)
        link.report()
        await take(stream, 10)
        stats = sender.stats(now())
    await source.close()
    assert 0.05 < stats.round_trip < 0.3
    assert stats.packets_lost == 0


async def test_another_source_takes_over_without_renegotiation(media_link) -> None:
    red, blue = (PatternSource(320, 180, 30, color=c) for c in ((220, 30, 30), (30, 30, 220)))
    async with media_link() as link:
        sender, receiver = link.add(red, "VP8")
        stream = receiver.frames("queue")
        await take(stream, 5)
        with pytest.raises(InvalidArgumentError):
            sender.replace_source(ToneSource())
        sender.replace_source(blue)
        assert sender.source is blue
        for _ in range(60):
            (frame,) = await take(stream, 1)
            if dominant_color(frame.to_rgb())[2] > 150:
                break
        else:
            pytest.fail("the other source never came")
        assert not red.is_capturing
    await red.close()
    await blue.close()


async def test_a_source_that_ends_is_reported_and_can_be_replaced(media_link) -> None:
    first, second = PatternSource(320, 180, 30), PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, receiver = link.add(first, "VP8")
        stream = receiver.frames("queue")
        await take(stream, 3)
        await first.close()
        async with asyncio.timeout(2):
            while sender.error is None:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        sender.replace_source(second)
        await take(stream, 20)
        assert sender.error is None
    await second.close()


async def test_the_estimate_bounds_the_encoder(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        sender, _ = link.add(source, "VP8", options=SendOptions(max_bitrate_bps=600_000))
        sender.set_available_bitrate(5_000_000)
        assert sender.stats(now()).target_bitrate_bps == 600_000
        sender.set_available_bitrate(200_000)
        assert sender.stats(now()).target_bitrate_bps == 200_000
    await source.close()


async def test_a_closed_sender_stays_closed_and_leaves_no_task(media_link) -> None:
    source = PatternSource(320, 180, 30)
    async with media_link() as link:
        before = asyncio.all_tasks()
        sender = StreamSender(link.near, source, cname="someone")
        encoding = SendEncoding(mid="0", codec_name="VP8", ssrc=5, payload_type=96)
        sender.start(encoding)
        await asyncio.sleep(0.1)
        await sender.close()
        await sender.close()
        with pytest.raises(InvalidStateError):
            sender.start(encoding)
        await source.close()
        assert asyncio.all_tasks() == before


async def test_codecs_without_an_encoder_are_refused(media_link) -> None:
    async with media_link() as link:
        for source, codec in ((PatternSource(320, 180, 30), "AV1"), (ToneSource(), "PCMU")):
            sender = StreamSender(link.near, source, cname="someone")
            with pytest.raises(InvalidArgumentError):
                sender.start(SendEncoding(mid="0", codec_name=codec, ssrc=5, payload_type=96))
            await sender.close()
            await source.close()


async def test_frames_of_a_program_are_sent(media_link) -> None:
    source = ProgramVideoSource()
    async with media_link() as link:
        sender, receiver = link.add(source, "H264")
        stream = receiver.frames("queue")
        frames = asyncio.create_task(take(stream, 3))
        while not frames.done():
            source.write(np.full((120, 160, 3), 90, np.uint8))
            await asyncio.sleep(0.02)
        assert sender.error is None
        assert (await frames)[0].width == 160
    await source.close()
