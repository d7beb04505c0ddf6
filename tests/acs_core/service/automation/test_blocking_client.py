"""Every operation once more with the client that blocks; the other tests use the asynchronous one.

The two share no code but their models: each writes its own requests and signs them in its own way.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.communication.callautomation import FileSource, PhoneNumberIdentifier
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from acs_core import GroupCallLocator, JoinCallOptions
from acs_core.media.voice import FileVoice
from acs_core.service.automation.incoming import IncomingCall
from tests.acs_core.service.automation.conftest import Site
from tests.support.automation import callbacks, program
from tests.support.callers import SILENT, switch
from tests.support.events import until
from tests.support.fake_transcriber import ScriptedTranscriber

QUIET = JoinCallOptions(streams=())
PHONE = PhoneNumberIdentifier("+15550100")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with (
        switch(voices=FileVoice, transcriber=ScriptedTranscriber()) as running,
        callbacks(running.service) as sink,
        program(running.service, is_async=False) as app,
    ):
        yield Site(running, sink, app)


async def test_people_are_called_added_and_steered(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    connection = created.call_connection_id

    async def on(method: str, *args: Any, **kwargs: Any) -> Any:
        return await site.program.on(connection, method, *args, **kwargs)

    await (await (await rings).accept(SILENT)).connected()
    await site.callbacks.event("CallConnected")
    assert (await on("get_call_properties")).call_connection_state == "connected"
    ringing = ben.rings()
    added = await on("add_participant", AzureUser(ben.raw_id))
    await ringing
    await on("cancel_add_participant_operation", added.invitation_id)
    await site.callbacks.event("CancelAddParticipantSucceeded")
    ringing = ben.rings()
    await on("add_participant", AzureUser(ben.raw_id))
    call = await (await (await ringing).accept(SILENT)).connected()
    await site.callbacks.event("AddParticipantSucceeded")
    assert len(await on("list_participants")) == 3
    who = AzureUser(ben.raw_id)
    await on("mute_participant", who)
    assert (await on("get_participant", who)).is_muted
    await on("hold", who)
    await until(lambda: call.state == "LocalHold")
    await on("unhold", who)
    await until(lambda: call.state == "Connected")
    await on("remove_participant", who)
    await until(lambda: call.state == "Disconnected")
    await on("hang_up", False)
    await site.callbacks.event("CallDisconnected")


async def test_calls_are_answered_redirected_rejected_transferred_and_ended(site: Site) -> None:
    waiting: asyncio.Queue[IncomingCall] = asyncio.Queue()
    site.switch.service.automation.incoming.listen(waiting.put_nowait)
    anna, ben = await site.person(), await site.person()
    bot, _ = site.switch.service.issue_user_token()

    async def rings() -> str:
        async with asyncio.timeout(10):
            return (await waiting.get()).context

    call = anna.dial(bot)
    await site.program.ask("reject_call", await rings())
    await until(lambda: call.state == "Disconnected")
    call, ringing = anna.dial(bot), ben.rings()
    await site.program.ask("redirect_call", await rings(), AzureUser(ben.raw_id))
    await rings()
    await (await ringing).reject()
    await until(lambda: call.state == "Disconnected")
    call = anna.dial(bot)
    answered = await site.program.ask("answer_call", await rings(), site.callbacks.url)
    await call.connected()
    ringing = ben.rings()
    await site.program.on(
        answered.call_connection_id, "transfer_call_to_participant", AzureUser(ben.raw_id)
    )
    theirs = await (await (await ringing).accept(SILENT)).connected()
    await site.callbacks.event("CallTransferAccepted")
    server_call = next(
        key for key, live in site.switch.service.calls.live.items() if theirs.id in live.endpoints
    )
    connected = await site.program.ask(
        "connect_call", site.callbacks.url, server_call_id=server_call
    )
    assert connected.call_connection_id != answered.call_connection_id
    await site.program.on(connected.call_connection_id, "hang_up", True)
    await until(lambda: theirs.state == "Disconnected")
    # Each call was told of once, and the transfer, too.
    assert waiting.get_nowait().to == ben.raw_id
    assert waiting.empty()


async def test_calls_are_recorded(site: Site) -> None:
    anna = await site.person()
    group = str(uuid.uuid4())
    await anna.agent.join(GroupCallLocator(group), QUIET).connected()
    started = await site.program.ask("start_recording", group_call_id=group)
    for operation, state in (
        ("pause_recording", "inactive"),
        ("resume_recording", "active"),
    ):
        await site.program.ask(operation, started.recording_id)
        now = await site.program.ask("get_recording_properties", started.recording_id)
        assert now.recording_state == state
    await site.program.ask("stop_recording", started.recording_id)
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("get_recording_properties", started.recording_id)


async def test_media_is_played_and_transcribed_and_tones_are_sent(site: Site) -> None:
    never = asyncio.Event()

    async def fetch(_: str) -> bytes:
        await never.wait()
        return b""

    site.switch.service.automation.playing.fetch = fetch
    created = await site.program.ask(
        "create_call",
        PHONE,
        site.callbacks.url,
        source_caller_id_number=PhoneNumberIdentifier("+15550199"),
    )
    connection = created.call_connection_id
    await until(lambda: site.switch.telephones.placed)
    site.switch.telephones.placed[-1].leg.answered()
    await site.callbacks.event("CallConnected")
    await site.program.on(connection, "send_dtmf_tones", ["pound"], PHONE)
    await site.program.on(connection, "play_media", FileSource("http://h/f"), "all")
    await site.program.on(connection, "cancel_all_media_operations")
    await site.callbacks.event("PlayCanceled")
    await site.program.on(connection, "start_transcription", locale="en-US")
    await site.program.on(connection, "update_transcription", locale="de-DE")
    await site.program.on(connection, "stop_transcription")
    await site.callbacks.event("TranscriptionStopped")
    unserved: tuple[tuple[Any, ...], ...] = (
        ("start_continuous_dtmf_recognition", PHONE),
        ("stop_continuous_dtmf_recognition", PHONE),
        ("start_recognizing_media", "dtmf", PHONE),
        ("start_media_streaming",),
        ("stop_media_streaming",),
        ("move_participants", [PHONE], connection),
    )
    for method, *args in unserved:
        with pytest.raises(HttpResponseError) as caught:
            await site.program.on(connection, method, *args)
        assert (caught.value.status_code, caught.value.error.code) == (405, "8520"), method
