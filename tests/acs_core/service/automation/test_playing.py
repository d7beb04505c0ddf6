"""Programs let people hear files, through Microsoft's client."""

from __future__ import annotations

import io
import uuid
import wave
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.communication.callautomation import FileSource, TextSource
from azure.communication.callautomation._generated import models
from azure.core.exceptions import HttpResponseError

from acs_core import Call, GroupCallLocator, JoinCallOptions
from acs_core.errors import TransportError
from acs_core.media.voice import FileVoice
from acs_core.service.automation.bodies import Play, decode
from tests.acs_core.service.automation.conftest import Site
from tests.support.automation import callbacks, program
from tests.support.callers import SILENT, switch
from tests.support.events import until
from tests.support.media_checks import listen, until_loudness

QUIET = JoinCallOptions(streams=())
LONG, SHORT, BROKEN = (f"http://files.invalid/{name}" for name in ("long", "short", "broken"))


def tone(frequency: float, seconds: float) -> bytes:
    """A wave file."""
    times = np.arange(int(16000 * seconds)) / 16000
    samples = (np.sin(2 * np.pi * frequency * times) * 12000).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(samples.tobytes())
    return file.getvalue()


async def fetch(url: str) -> bytes:
    """The files of this test."""
    files = {LONG: tone(880.0, 10.0), SHORT: tone(440.0, 0.1), BROKEN: b"no sound"}
    if url not in files:
        raise TransportError("There is no such file.")
    return files[url]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with (
        switch(voices=FileVoice) as running,
        callbacks(running.service) as sink,
        program(running.service) as app,
    ):
        running.service.automation.playing.fetch = fetch
        yield Site(running, sink, app)


async def called(site: Site) -> tuple[str, Call]:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    call = await (await (await rings).accept(SILENT)).connected()
    await site.callbacks.event("CallConnected")
    return created.call_connection_id, call


async def test_a_program_that_calls_somebody_is_heard(site: Site) -> None:
    connection, call = await called(site)
    (program_seen,) = call.remote_participants
    sound = program_seen.audio_frames()
    await site.program.on(
        connection, "play_media", FileSource(LONG), "all", loop=True, operation_context="music"
    )
    started = models.PlayStarted.deserialize(await site.callbacks.event("PlayStarted"))
    assert started.operation_context == "music"
    await until_loudness(sound, loud=True)
    assert await listen(sound) == pytest.approx(880, abs=40)
    await site.program.on(connection, "cancel_all_media_operations")
    canceled = models.PlayCanceled.deserialize(await site.callbacks.event("PlayCanceled"))
    assert canceled.operation_context == "music"
    await sound.aclose()
    await until(lambda: program_seen.is_muted)


async def test_plays_come_one_after_the_other_and_complete(site: Site) -> None:
    connection, _ = await called(site)
    for context in ("one", "two"):
        await site.program.on(
            connection,
            "play_media",
            [FileSource(SHORT), FileSource(SHORT)],
            "all",
            operation_context=context,
        )
    first = models.PlayCompleted.deserialize(await site.callbacks.event("PlayCompleted"))
    second = models.PlayCompleted.deserialize(await site.callbacks.event("PlayCompleted", 2))
    assert (first.operation_context, second.operation_context) == ("one", "two")
    kinds = [kind for kind in site.callbacks.kinds if kind.startswith("Play")]
    assert kinds == ["PlayStarted", "PlayCompleted"] * 2


async def test_a_program_that_only_connected_is_there_while_it_plays(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    place = GroupCallLocator(str(uuid.uuid4()))
    calls = [await who.agent.join(place, QUIET).connected() for who in (anna, ben)]
    found = await site.program.ask("connect_call", site.callbacks.url, group_call_id=place.group_id)
    await site.program.on(
        found.call_connection_id,
        "play_media",
        FileSource(LONG),
        [AzureUser(anna.raw_id)],
        loop=True,
    )
    await site.callbacks.event("PlayStarted")
    await until(lambda: len(calls[0].remote_participants) == 2)
    (app,) = (who for who in calls[0].remote_participants if who.identifier.raw_id != ben.raw_id)
    sound = app.audio_frames()
    await until_loudness(sound, loud=True)
    await sound.aclose()
    await site.program.on(
        found.call_connection_id,
        "play_media",
        FileSource(SHORT),
        "all",
        interrupt_call_media_operation=True,
    )
    await site.callbacks.event("PlayCanceled")
    await site.callbacks.event("PlayCompleted")
    await until(lambda: len(calls[0].remote_participants) == 1)
    assert [who.identifier.raw_id for who in calls[0].remote_participants] == [ben.raw_id]
    kinds = [kind for kind in site.callbacks.kinds if kind.startswith("Play")]
    assert kinds.count("PlayStarted") == 2
    assert kinds[-1] == "PlayCompleted"


async def test_a_play_that_is_canceled_before_it_began_is_told_as_canceled(site: Site) -> None:
    found, _ = await called(site)
    automation = site.switch.service.automation
    connection = automation._connections.find(found)
    source = {"kind": "file", "file": {"uri": SHORT}}
    wanted = decode({"playSources": [source], "operationContext": "hasty"}, Play)
    automation.playing.play(connection, wanted)
    automation.playing.cancel(connection)
    told = models.PlayCanceled.deserialize(await site.callbacks.event("PlayCanceled"))
    assert (told.operation_context, told.result_information.sub_code) == ("hasty", 8508)


async def test_a_file_that_cannot_be_played_fails_by_its_index(site: Site) -> None:
    connection, _ = await called(site)
    for number, (url, sub_code) in enumerate(
        ((BROKEN, 8511), ("http://files.invalid/none", 8536)), start=1
    ):
        await site.program.on(connection, "play_media", [FileSource(SHORT), FileSource(url)], "all")
        failed = models.PlayFailed.deserialize(await site.callbacks.event("PlayFailed", number))
        assert failed.failed_play_source_index == 1
        assert failed.result_information.sub_code == sub_code


async def test_a_play_ends_with_its_call(site: Site) -> None:
    connection, call = await called(site)
    await site.program.on(connection, "play_media", FileSource(LONG), "all", loop=True)
    await site.callbacks.event("PlayStarted")
    await call.hang_up()
    await site.callbacks.event("CallDisconnected")
    assert site.callbacks.kinds[-1] == "CallDisconnected"


async def test_what_cannot_be_played_is_refused(site: Site) -> None:
    connection, _ = await called(site)
    refused: tuple[tuple[Any, int], ...] = (
        (TextSource(text="Hello", voice_name="en-US-NancyNeural"), 405),
        (FileSource("nowhere"), 400),
        ([], 400),
    )
    for source, status in refused:
        with pytest.raises(HttpResponseError) as caught:
            await site.program.on(connection, "play_media", source, "all")
        assert caught.value.status_code == status
    site.switch.service.automation.playing.fetch = None
    with pytest.raises(HttpResponseError) as caught:
        await site.program.on(connection, "play_media", FileSource(SHORT), "all")
    assert (caught.value.status_code, caught.value.error.code) == (405, "8520")
