"""Programs have calls transcribed, through Microsoft's client."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from azure.communication.callautomation import TranscriptionOptions
from azure.communication.callautomation._generated import models
from azure.core.exceptions import HttpResponseError

from acs_core import GroupCallLocator, JoinCallOptions
from acs_core.service.server_call import ServerCall
from tests.acs_core.service.automation.conftest import Site
from tests.support.automation import callbacks, program
from tests.support.callers import switch
from tests.support.fake_transcriber import ScriptedTranscriber


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with (
        switch(transcriber=ScriptedTranscriber()) as running,
        callbacks(running.service) as sink,
        program(running.service) as app,
    ):
        yield Site(running, sink, app)


async def group_call(site: Site) -> tuple[str, ServerCall]:
    anna = await site.person()
    group = str(uuid.uuid4())
    await anna.agent.join(GroupCallLocator(group), JoinCallOptions(streams=())).connected()
    return group, next(iter(site.switch.service.calls.live.values()))


def options(*, locale: str = "de-DE", is_started: bool = True) -> TranscriptionOptions:
    return TranscriptionOptions(
        transport_url="wss://127.0.0.1/transcript",
        transport_type="websocket",
        locale=locale,
        start_transcription=is_started,
    )


async def test_a_call_is_transcribed_until_the_program_stops_it(site: Site) -> None:
    group, call = await group_call(site)
    found = await site.program.ask("connect_call", site.callbacks.url, group_call_id=group)
    connection = found.call_connection_id
    await site.program.on(
        connection, "start_transcription", locale="en-us", operation_context="words"
    )
    started = models.TranscriptionStarted.deserialize(
        await site.callbacks.event("TranscriptionStarted")
    )
    assert started.operation_context == "words"
    assert started.transcription_update.transcription_status == "transcriptionStarted"
    assert call.roster.activity.is_transcribing
    assert call.roster.activity.spoken_language == "en-US"
    await site.program.on(connection, "update_transcription", locale="de-DE")
    await site.callbacks.event("TranscriptionUpdated")
    assert call.roster.activity.spoken_language == "de-DE"
    await site.program.on(connection, "stop_transcription")
    await site.callbacks.event("TranscriptionStopped")
    assert not call.roster.activity.is_transcribing


async def test_a_call_may_be_transcribed_from_the_beginning(site: Site) -> None:
    group, call = await group_call(site)
    found = await site.program.ask(
        "connect_call", site.callbacks.url, group_call_id=group, transcription=options()
    )
    assert found.transcription_subscription.state == "active"
    assert found.transcription_subscription.locale == "de-DE"
    await site.callbacks.event("TranscriptionStarted")
    assert call.roster.activity.is_transcribing
    assert site.callbacks.kinds[:2] == ["CallConnected", "TranscriptionStarted"]


async def test_a_language_that_is_not_known_is_refused(site: Site) -> None:
    group, call = await group_call(site)
    found = await site.program.ask(
        "connect_call",
        site.callbacks.url,
        group_call_id=group,
        transcription=options(locale="tlh"),
    )
    failed = models.TranscriptionFailed.deserialize(
        await site.callbacks.event("TranscriptionFailed")
    )
    result = failed.result_information
    assert (result.code, result.sub_code, "locale" in result.message) == (400, 8523, True)
    with pytest.raises(HttpResponseError) as caught:
        await site.program.on(found.call_connection_id, "start_transcription", locale="tlh")
    assert (caught.value.status_code, caught.value.error.code) == (400, "8523")
    assert not call.roster.activity.is_transcribing


async def test_without_a_transcriber_options_for_it_are_refused() -> None:
    async with switch() as running, callbacks(running.service) as sink:
        site_ = Site(running, sink, None)  # type: ignore[arg-type]
        group, _ = await group_call(site_)
        async with program(running.service) as app:
            with pytest.raises(HttpResponseError) as caught:
                await app.ask(
                    "connect_call", sink.url, group_call_id=group, transcription=options()
                )
    assert (caught.value.status_code, caught.value.error.code) == (405, "8520")
