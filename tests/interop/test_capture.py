"""Two browsers with cameras and microphones of their own, captured by the SDK itself."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from acs_core.media.patterns import PatternPainter
from tests.interop.chromium import Chromium
from tests.interop.page import Page
from tests.interop.python_side import received
from tests.interop.stage import MakeStage, Stage
from tests.support.events import until
from tests.support.media_checks import BLUE, RED, Color, is_color, listen, watch
from twilio_compat import Room

WIDTH: Final = 320
HEIGHT: Final = 240
RATE: Final = 15
SECONDS: Final = 2
SAMPLE_RATE: Final = 48_000

# A lasting tone is noise to a browser that means well.
AS_IT_IS: Final = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}


def _camera(path: Path, color: Color) -> Path:
    """A picture file in which frames can be told apart. Source: yuv4mpeg(5) of mjpegtools."""
    painter = PatternPainter(WIDTH, HEIGHT, color)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(RATE * SECONDS):
            file.write(b"FRAME\n" + painter.draw(number).tobytes())
    return path


def _microphone(path: Path, frequency: float) -> Path:
    """A sound file; a whole number of periods, so that its repetition is not heard."""
    phase = 2 * np.pi * frequency * np.arange(SAMPLE_RATE * SECONDS) / SAMPLE_RATE
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((10_000 * np.sin(phase)).astype("<i2").tobytes())
    return path


@asynccontextmanager
async def _browser(
    folder: Path, name: str, color: Color, frequency: float, origin: str
) -> AsyncIterator[Chromium]:
    """A Chromium process whose only camera and microphone are files."""
    browser = Chromium(
        f"--use-file-for-fake-video-capture={_camera(folder / f'{name}.y4m', color)}",
        f"--use-file-for-fake-audio-capture={_microphone(folder / f'{name}.wav', frequency)}",
        origin=origin,
    )
    await asyncio.to_thread(browser.start)
    try:
        yield browser
    finally:
        await asyncio.to_thread(browser.close)


async def _joined(stage: Stage, browser: Chromium, identity: str) -> Page:
    """A page of a browser that captured what it has."""
    stage.chromium = browser
    return await stage.joined(identity, media=None, audio=AS_IT_IS, video=True)


@pytest.fixture
async def browsers(chromium: Chromium, tmp_path: Path) -> AsyncIterator[list[Chromium]]:
    """One whose camera is red and whose microphone hears 440 Hz; one with blue and 660 Hz."""
    devices = (("red", RED, 440), ("blue", BLUE, 660))
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_browser(tmp_path, *device, chromium.origin))
            for device in devices
        ]


@pytest.mark.timeout(120)
async def test_captured_cameras_and_microphones_are_seen_and_heard(
    browsers: list[Chromium], make_stage: MakeStage
) -> None:
    stage = await make_stage()
    room = await stage.guest("pablo")
    alice, bob = [
        await _joined(stage, browser, identity)
        for browser, identity in zip(browsers, ("alice", "bob"), strict=True)
    ]
    for page, other, color, tone in ((alice, "bob", BLUE, 660), (bob, "alice", RED, 440)):
        await page.sees(other, color)
        await page.hears(other, tone)
    await _check_python_sees_and_hears(room, "alice", RED, 440)
    await _check_python_sees_and_hears(room, "bob", BLUE, 660)


@pytest.mark.feature("CALL-003", "CALL-004")
@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ({"audio": True, "video": False}, ["audio"]),
        ({"audio": False, "video": True}, ["video"]),
        ({"audio": AS_IT_IS, "video": {"width": 160, "height": 120}}, ["audio", "video"]),
    ],
)
async def test_what_is_captured_is_what_was_asked_for(
    stage: Stage, wanted: dict[str, Any], kinds: list[str]
) -> None:
    bob = await stage.joined("bob")
    alice = await stage.joined("alice", media=None, **wanted)
    settings = await alice.run(
        """room => Object.fromEntries([...room.localParticipant.tracks.values()].map(
            one => [one.kind, one.track.mediaStreamTrack.getSettings()]))"""
    )
    assert sorted(settings) == kinds
    for kind in kinds:
        asked = wanted[kind] if isinstance(wanted[kind], dict) else {}
        assert asked.items() <= settings[kind].items()
    # All have begun, and there is nothing else.
    started = await bob.until(
        """(_, h) => {
            const tracks = [...h.participant('alice').tracks.values()].map(one => one.track);
            return tracks.every(one => one && one.isStarted) && tracks.map(one => one.kind).sort();
        }"""
    )
    assert started == kinds


async def _check_python_sees_and_hears(
    room: Room, identity: str, color: Color, tone: float
) -> None:
    """As `check_python_sees_and_hears`; the camera's numbers begin again with its file."""
    await until(lambda: received(room, identity, "video"))
    frames = received(room, identity, "video").frames()
    seen, numbers = await watch(frames, count=RATE * SECONDS)
    frames.close()
    assert is_color(seen, color)
    # The camera may show a picture twice, as it does with the first of its file; never an old one.
    steps = [(after - before) % (RATE * SECONDS) for before, after in pairwise(numbers)]
    assert max(steps) <= RATE * SECONDS // 2, numbers
    assert len(set(numbers)) > RATE, numbers
    await until(lambda: received(room, identity, "audio"))
    samples = received(room, identity, "audio").frames()
    assert await listen(samples) == pytest.approx(tone, rel=0.08)
    samples.close()
