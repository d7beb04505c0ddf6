"""A real pipeline, a real service, real media: run by `make integrations`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acs_core.media.patterns import tone
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED, is_color, listen, until_loudness
from tests.support.people import Meeting, meeting
from twilio_compat import LocalDataTrack, Room, create_local_audio_track

pytest.importorskip(
    "pipecat", reason="pipecat is not installed: run `make integrations`", exc_type=ImportError
)

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputImageRawFrame,
    OutputTransportMessageFrame,
    UserAudioRawFrame,
    UserImageRawFrame,
    UserImageRequestFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import VideoInSourceParams
from pipecat.workers.runner import WorkerRunner

from twilio_compat.integrations.pipecat import (
    TwilioCompatParams,
    TwilioCompatTransport,
)

RATE = 16_000
"""What most speech recognizers want, and unlike the room's 48 kHz."""

NEAR = 20
"""Hz that a tone may be off: packets that come late on a busy machine bend it."""

LOUDNESS = 4650
"""Amplitude of a test tone."""

Answer = Callable[["Bot", Frame], Awaitable[None]]


class Bot(FrameProcessor):
    """What the application does with each frame."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer
        self.seen: list[Frame] = []

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.seen.append(frame)
        await self._answer(self, frame)
        await self.push_frame(frame, direction)

    def of(self, kind: type[Frame]) -> list[Any]:
        return [frame for frame in self.seen if isinstance(frame, kind)]


async def nothing(bot: Bot, frame: Frame) -> None:
    """Only look."""


async def an_octave_higher(bot: Bot, frame: Frame) -> None:
    """The square of a sine has twice its frequency: 440 Hz become 880 Hz."""
    if isinstance(frame, InputAudioRawFrame):
        sine = np.frombuffer(frame.audio, dtype=np.int16) / LOUDNESS
        higher = ((sine * sine - 0.5) * LOUDNESS).clip(-32767, 32767).astype(np.int16)
        await bot.push_frame(OutputAudioRawFrame(higher.tobytes(), frame.sample_rate, 1))


class Running:
    """A bot at work."""

    def __init__(self, transport: TwilioCompatTransport, bot: Bot, worker: PipelineWorker) -> None:
        self.transport = transport
        self.bot = bot
        self.worker = worker
        self.task: asyncio.Task[None] | None = None


@asynccontextmanager
async def running(
    where: Meeting, answer: Answer = nothing, *, token: str | None = None, **params: Any
) -> AsyncIterator[Running]:
    """A bot in the room; canceled at the end, unless it has ended before."""
    transport = TwilioCompatTransport(
        where.server.access_token("bot") if token is None else token,
        "meeting",
        where.url,
        TwilioCompatParams(**params),
    )
    bot = Bot(answer)
    pipeline = Pipeline([transport.input(), bot, transport.output()])
    worker = PipelineWorker(pipeline, idle_timeout_secs=None, enable_rtvi=False)
    run = Running(transport, bot, worker)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    run.task = asyncio.create_task(runner.run())
    try:
        yield run
    finally:
        await worker.cancel()
        async with asyncio.timeout(10):
            await run.task


async def there(room: Room, identity: str = "bot") -> Any:
    """Another participant, once it is there."""

    def found() -> list[Any]:
        return [one for one in room.participants.values() if one.identity == identity]

    await until(found)
    return found()[0]


async def track_of(room: Room, name: str) -> Any:
    """A subscribed track of the bot."""
    bot = await there(room)

    def found() -> list[Any]:
        return [one.track for one in bot.tracks.values() if one.track and one.track.name == name]

    await until(found)
    return found()[0]


async def heard(room: Room) -> Any:
    """What the bot says."""
    return await track_of(room, "pipecat-audio")


SOUND = {"audio_in_enabled": True, "audio_out_enabled": True, "audio_in_sample_rate": RATE}


async def test_a_pipeline_hears_a_participant_and_answers() -> None:
    async with meeting() as where:
        ann = await where.guest("ann", tone=440)
        async with running(where, an_octave_higher, **SOUND) as run:
            voice = await heard(ann)
            frames = voice.frames()
            await until_loudness(frames, loud=True)
            assert abs(await listen(frames) - 880) < NEAR
            frames.close()
            spoken = run.bot.of(InputAudioRawFrame)[-1]
            assert (spoken.sample_rate, spoken.num_channels) == (RATE, 1)
            assert not isinstance(spoken, UserAudioRawFrame)


async def test_several_participants_are_mixed_or_told_apart() -> None:
    async with meeting() as where:
        await where.guest("ann", tone=440)
        await where.guest("bob", tone=880)
        async with running(where, audio_in_user_tracks=True, **SOUND) as run:

            def users() -> set[str]:
                return {frame.user_id for frame in run.bot.of(UserAudioRawFrame)}

            await until(lambda: users() == {"ann", "bob"})
        async with running(where, **SOUND) as run:
            await until(lambda: both(run.bot))


def both(bot: Bot) -> bool:
    """Whether the newest second of what a bot heard has a loud 440 Hz and a loud 880 Hz in it."""
    audio = b"".join(one.audio for one in bot.of(InputAudioRawFrame)[-50:])
    samples = np.frombuffer(audio, dtype=np.int16).astype(float)
    if len(samples) < RATE // 2:
        return False
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    pitch = np.arange(len(spectrum)) * RATE / len(samples)
    low, high = (spectrum[abs(pitch - tone) < NEAR].max() for tone in (440, 880))
    return bool(min(low, high) > spectrum.max() / 4)


async def test_an_interruption_silences_what_is_queued() -> None:
    async with meeting() as where:
        ann = await where.guest("ann")
        async with running(where, **SOUND) as run:
            frames = (await heard(ann)).frames()
            speech = tone(0, 20 * RATE, frequency_hz=660, level_dbov=-12, rate=RATE).tobytes()
            await run.worker.queue_frame(OutputAudioRawFrame(speech, RATE, 1))
            await until_loudness(frames, loud=True)
            await run.worker.queue_frame(InterruptionFrame())
            await until_loudness(frames, loud=False, blocks=25)
            # And what is said next is heard.
            again = tone(0, RATE, frequency_hz=330, level_dbov=-12, rate=RATE).tobytes()
            await run.worker.queue_frame(OutputAudioRawFrame(again, RATE, 1))
            await until_loudness(frames, loud=True)
            assert abs(await listen(frames) - 330) < NEAR
            frames.close()


async def test_pictures_go_in_and_out() -> None:
    async def paint(bot: Bot, frame: Frame) -> None:
        if isinstance(frame, UserImageRawFrame):
            picture = np.zeros((96, 160, 3), dtype=np.uint8)
            picture[:] = BLUE
            await bot.push_frame(OutputImageRawFrame(picture.tobytes(), (160, 96), "RGB"))

    size = {"video_out_width": 160, "video_out_height": 96, "video_out_framerate": 10}
    async with meeting() as where:
        ann = await where.guest("ann", color=RED)
        async with running(
            where, paint, video_in_enabled=True, video_out_enabled=True, **size
        ) as run:
            shown = await track_of(ann, "pipecat-video")

            async def blue() -> None:
                async for frame in shown.frames():
                    if is_color(tuple(np.median(frame.to_rgb(), axis=(0, 1))), BLUE):
                        return

            await asyncio.wait_for(blue(), 10)
            picture = run.bot.of(UserImageRawFrame)[-1]
            assert picture.user_id == "ann"
            assert picture.transport_source == "camera"
            pixels = np.frombuffer(picture.image, dtype=np.uint8).reshape(96, 160, 3)
            assert is_color(tuple(np.median(pixels, axis=(0, 1))), RED)


async def test_a_picture_comes_when_it_is_asked_for() -> None:
    sources = {"camera": VideoInSourceParams(on_request_only=True)}
    refusals: list[Any] = []

    async def refused(result: Any) -> None:
        refusals.append(result)

    async with meeting() as where:
        await where.guest("ann", color=RED)
        async with running(where, video_in_enabled=True, video_in_sources=sources) as run:
            await until(lambda: run.transport.room)
            room = run.transport.room
            assert room is not None
            ann = await there(room, "ann")
            await until(lambda: [one for one in ann.tracks.values() if one.track])
            request = UserImageRequestFrame("ann", text="what is this?")
            await run.worker.queue_frame(request, FrameDirection.UPSTREAM)
            await until(lambda: run.bot.of(UserImageRawFrame))
            answers = run.bot.of(UserImageRawFrame)
            assert [one.request.text for one in answers] == ["what is this?"]
            nobody = UserImageRequestFrame("bob", result_callback=refused)
            await run.worker.queue_frame(nobody, FrameDirection.UPSTREAM)
            await until(lambda: refusals)
            assert "bob" in refusals[0]["error"]
            await run.transport.capture_participant_video("ann", framerate=None)
            await until(lambda: len(run.bot.of(UserImageRawFrame)) > 5)


async def test_messages_go_both_ways() -> None:
    async def reply(bot: Bot, frame: Frame) -> None:
        if isinstance(frame, InputTransportMessageFrame):
            await bot.push_frame(OutputTransportMessageFrame({"got": frame.message["ask"]}))

    async with meeting() as where:
        chat = LocalDataTrack(name="chat")
        ann = await where.guest("ann", tracks=[chat])
        async with running(where, reply) as run:
            plain: list[Any] = []
            run.transport.add_event_handler(
                "on_message", lambda _, message, sender: plain.append((message, sender))
            )
            await track_of(ann, "pipecat-data")
            answer = next_event(ann, "trackMessage")
            room = run.transport.room
            await until(lambda: room and any(received(room, "ann")))
            chat.send(json.dumps({"ask": 7}))
            data, track, participant = await answer
            assert json.loads(data) == {"got": 7}
            assert (track.name, participant.identity) == ("pipecat-data", "bot")
            chat.send("no json")
            chat.send(b"\x00\xff")
            await until(lambda: len(plain) == 3)
            assert plain[1:] == [("no json", "ann"), (b"\x00\xff", "ann")]
            assert len(run.bot.of(InputTransportMessageFrame)) == 1
            again = next_event(ann, "trackMessage")
            await run.transport.send_message("hello")
            assert (await again)[0] == "hello"


def received(room: Room, identity: str) -> list[Any]:
    """What a bot receives of somebody."""
    return [
        publication.track
        for participant in room.participants.values()
        if participant.identity == identity
        for publication in participant.tracks.values()
    ]


async def test_events_say_who_comes_and_goes() -> None:
    told: list[Any] = []

    def note(name: str) -> Callable[..., None]:
        return lambda _transport, *what: told.append((name, *what))

    async with meeting() as where:
        await where.guest("ann")
        async with running(where) as run:
            transport = run.transport
            for name in ("on_connected", "on_first_participant_joined", "on_disconnected"):
                transport.add_event_handler(name, note(name))
            for name in ("on_participant_connected", "on_participant_disconnected"):
                transport.add_event_handler(name, note(name))
            transport.add_event_handler(
                "on_client_connected",
                lambda one, client: told.append(("client", one.get_client_id(client))),
            )
            await until(lambda: ("client", "ann") in told)
            bob = await where.guest("bob")
            await until(lambda: ("client", "bob") in told)
            bob.disconnect()
            await until(lambda: ("on_participant_disconnected", "bob") in told)
            assert transport.disconnect_error is None
    assert told == [
        ("on_connected",),
        ("on_first_participant_joined", "ann"),
        ("on_participant_connected", "ann"),
        ("client", "ann"),
        ("on_participant_connected", "bob"),
        ("client", "bob"),
        ("on_participant_disconnected", "bob"),
        ("on_disconnected",),
    ]


@pytest.mark.parametrize("way", ["cancel", "stop"])
async def test_the_bot_is_gone_within_two_seconds(way: str) -> None:
    loop = asyncio.get_running_loop()
    async with meeting() as where:
        ann = await where.guest("ann", tone=440)
        async with running(where, an_octave_higher, **SOUND) as run:
            frames = (await heard(ann)).frames()
            await until_loudness(frames, loud=True)
            gone = next_event(ann, "participantDisconnected")
            started = loop.time()
            await (run.worker.cancel() if way == "cancel" else run.worker.queue_frame(EndFrame()))
            await gone
            assert run.task is not None
            async with asyncio.timeout(5):
                await asyncio.shield(run.task)
            assert loop.time() - started < 2
            frames.close()


async def test_a_handler_may_end_the_bot_when_its_caller_goes() -> None:
    async with meeting() as where:
        ann = await where.guest("ann")
        async with running(where, **SOUND) as run:

            async def gone(_transport: TwilioCompatTransport, _client: object) -> None:
                await run.worker.cancel()

            run.transport.add_event_handler("on_client_disconnected", gone)
            await there(ann)
            await until(lambda: run.transport.room)
            ann.disconnect()
            assert run.task is not None
            async with asyncio.timeout(5):
                await asyncio.shield(run.task)


async def test_speech_is_played_to_its_end_before_the_bot_leaves() -> None:
    async with meeting() as where:
        ann = await where.guest("ann")
        async with running(where, **SOUND) as run:
            frames = (await heard(ann)).frames(max_queue=500)
            speech = tone(0, RATE, frequency_hz=660, level_dbov=-12, rate=RATE).tobytes()
            await run.worker.queue_frame(OutputAudioRawFrame(speech, RATE, 1))
            await run.worker.queue_frame(EndFrame())
            loud = 0
            async for frame in frames:
                loud += int(np.abs(frame.samples).max() > 1000)
            # One second in frames of 20 ms; a frame at either end may be half silent.
            assert loud >= 48


async def test_a_bot_that_cannot_enter_says_why_and_ends() -> None:
    async with meeting() as where:
        errors: list[str] = []
        async with running(where, token="no token") as run:
            run.worker.add_event_handler(
                "on_pipeline_error", lambda _, frame: errors.append(frame.error)
            )
            assert run.task is not None
            async with asyncio.timeout(10):
                await asyncio.shield(run.task)
        assert any("room cannot be entered" in error for error in errors)
        assert run.transport.room is None


async def test_each_destination_is_a_track_of_its_own() -> None:
    async with meeting() as where:
        ann = await where.guest("ann")
        destinations = {"audio_out_destinations": ["whisper"]}
        async with running(where, **SOUND, **destinations) as run:
            frames = (await track_of(ann, "whisper")).frames()
            speech = tone(0, 5 * RATE, frequency_hz=550, level_dbov=-12, rate=RATE).tobytes()
            frame = OutputAudioRawFrame(speech, RATE, 1)
            frame.transport_destination = "whisper"
            await run.worker.queue_frame(frame)
            await until_loudness(frames, loud=True)
            assert abs(await listen(frames) - 550) < NEAR
            frames.close()


async def test_the_example_repeats_what_it_hears_and_leaves_when_told() -> None:
    example = Path(__file__).parents[2] / "migration_examples/pipecat_echo_bot/bot.py"
    async with meeting() as where:
        sound = await create_local_audio_track(source="tone", frequency=440)
        chat = LocalDataTrack()
        ann = await where.guest("ann", tracks=[sound, chat])
        said: list[str] = []
        ann.on("trackMessage", lambda data: said.append(json.loads(data)["say"]))
        bot = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore", str(example), "--room", "meeting"),
            *("--token", where.server.access_token("bot"), "--service-url", where.url),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            # Importing Pipecat takes seconds.
            await until(lambda: ann.participants, deadline=40)
            frames = (await heard(ann)).frames()
            await until_loudness(frames, loud=True)
            assert abs(await listen(frames) - 440) < NEAR
            frames.close()
            await until(lambda: said == ["hello ann"])
            chat.send(json.dumps({"say": "bye"}))
            async with asyncio.timeout(10):
                printed, _ = await bot.communicate()
        finally:
            if bot.returncode is None:
                bot.kill()
                await bot.wait()
        sound.stop()
        await sound.closed()
        assert printed.decode() == "ann is here\nann says bye\nleft the room\n"
        assert bot.returncode == 0
