"""Calls that a Node program makes, steers and records with Microsoft's unmodified client.

The people are real ACS-style agents. Each event of a callback is parsed by the client's own parser.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from acs_core import (
    AudioOptions,
    Call,
    Features,
    GroupCallLocator,
    JoinCallOptions,
    LocalAudioStream,
)
from acs_core.media.sources import ToneSource
from tests.interop.node_side import NodeError
from tests.interop.node_stage import Site
from tests.support.callers import SILENT, Caller
from tests.support.events import until

QUIET = JoinCallOptions(streams=())

CREATE = """async ({automation}, target, url, options) => {
    const invite = {targetParticipant: {communicationUserId: target}, sourceDisplayName: 'Hotline'};
    const made = await automation.createCall(invite, url, options);
    return made.callConnectionProperties;
}"""

ON = """async ({automation}, connection, method, ...args) =>
    automation.getCallConnection(connection)[method](...args)"""

RECORDING = "({automation}, method, ...args) => automation.getCallRecording()[method](...args)"


def user(person: Caller | str) -> dict[str, str]:
    """An identifier as the client takes it."""
    raw_id = person if isinstance(person, str) else person.raw_id
    return {"communicationUserId": raw_id}


async def event(site: Site, kind: str, number: int = 1) -> Any:
    """An event as the client's parser reads it."""
    found = await site.callbacks.whole(kind, number)
    body = {
        "id": found.id,
        "source": found.source,
        "type": found.type,
        "specversion": found.specversion,
        "time": None if found.time is None else found.time.isoformat(),
        "datacontenttype": found.datacontenttype,
        "subject": found.subject,
        "data": found.data,
    }
    parse = "({azure}, body) => azure.parseCallAutomationEvent(body)"
    parsed = await site.node.run(parse, {key: value for key, value in body.items() if value})
    assert parsed["kind"] == kind
    return parsed


async def called(site: Site, person: Caller, **options: Any) -> tuple[str, Call]:
    """A call between the program and somebody: connection id, and their side."""
    rings = person.rings()
    created = await site.node.run(CREATE, person.raw_id, site.callbacks.url, options)
    assert created["callConnectionState"] == "connecting"
    incoming = await rings
    assert incoming.caller_info.display_name == "Hotline"
    call = await (await incoming.accept(SILENT)).connected()
    return created["callConnectionId"], call


async def refusal(site: Site, source: str, *args: Any) -> tuple[int | None, int | str | None]:
    """Status and code of the client's RestError."""
    with pytest.raises(NodeError) as caught:
        await site.node.run(source, *args)
    assert caught.value.name == "RestError"
    return caught.value.status, caught.value.code


@pytest.mark.operations(
    "postCallingCallConnections",
    "getCallingCallConnectionsConnection",
    "getCallingCallConnectionsConnectionParticipants",
    "postCallingCallConnectionsConnectionTerminate",
)
async def test_a_program_calls_somebody_and_ends_the_call_for_everyone(site: Site) -> None:
    anna = await site.switch.caller("Anna")
    connection, call = await called(site, anna, operationContext="ctx-1")
    connected = await event(site, "CallConnected")
    assert (connected["callConnectionId"], connected["operationContext"]) == (connection, "ctx-1")
    updated = await event(site, "ParticipantsUpdated")
    assert anna.raw_id in {
        item["identifier"]["communicationUserId"] for item in updated["participants"]
    }
    now = await site.node.run(ON, connection, "getCallConnectionProperties")
    assert (now["callConnectionState"], now["sourceDisplayName"]) == ("connected", "Hotline")
    assert [item["communicationUserId"] for item in now["targetParticipants"]] == [anna.raw_id]
    # The client spells it so, and its types callbackUrl.
    assert now["callbackUri"] == site.callbacks.url
    listed = await site.node.run(ON, connection, "listParticipants")
    present = {item["identifier"]["communicationUserId"] for item in listed["values"]}
    assert present == {anna.raw_id, now["source"]["communicationUserId"]}
    await site.node.run(ON, connection, "hangUp", True)
    await until(lambda: call.state == "Disconnected")
    ended = await event(site, "CallDisconnected")
    assert ended["callConnectionId"] == connection
    status, _ = await refusal(site, ON, connection, "getCallConnectionProperties")
    assert status == 404
    assert not site.service.calls.live


@pytest.mark.operations(
    "postCallingCallConnectionsConnect",
    "getCallingCallConnectionsConnectionParticipantsWho",
    "postCallingCallConnectionsConnectionParticipantsMute",
    "postCallingCallConnectionsConnectionParticipantsAdd",
    "postCallingCallConnectionsConnectionParticipantsRemove",
    "deleteCallingCallConnectionsConnection",
)
async def test_a_program_connects_mutes_adds_and_removes(site: Site) -> None:
    anna, ben = await site.switch.caller("Anna"), await site.switch.caller("Ben")
    group = str(uuid.uuid4())
    heard = JoinCallOptions(audio_options=AudioOptions(False, (LocalAudioStream(ToneSource()),)))
    call = await anna.agent.join(GroupCallLocator(group), heard).connected()
    made = await site.node.run(
        """async ({automation}, id, url) => {
            const made = await automation.connectCall({kind: 'groupCallLocator', id}, url);
            return made.callConnectionProperties;
        }""",
        group,
        site.callbacks.url,
    )
    connection = made["callConnectionId"]
    await event(site, "CallConnected")
    await site.node.run(ON, connection, "muteParticipant", user(anna))
    await until(lambda: call.is_muted)
    found = await site.node.run(ON, connection, "getParticipant", user(anna))
    assert found["identifier"]["communicationUserId"] == anna.raw_id
    assert found["isMuted"] is True

    rings = ben.rings()
    invite = {"targetParticipant": user(ben), "sourceDisplayName": "Hotline"}
    added = await site.node.run(ON, connection, "addParticipant", invite)
    assert added["invitationId"]
    theirs = await (await (await rings).accept(SILENT)).connected()
    told = await event(site, "AddParticipantSucceeded")
    assert told["participant"]["communicationUserId"] == ben.raw_id
    await site.node.run(ON, connection, "removeParticipant", user(ben))
    await until(lambda: theirs.state == "Disconnected")
    told = await event(site, "RemoveParticipantSucceeded")
    assert told["participant"]["communicationUserId"] == ben.raw_id

    await site.node.run(ON, connection, "hangUp", False)
    await event(site, "CallDisconnected")
    assert call.state == "Connected"


@pytest.mark.operations(
    "postCallingCallConnectionsAnswer",
    "postCallingCallConnectionsReject",
    "postCallingCallConnectionsRedirect",
)
async def test_a_program_answers_rejects_and_redirects_calls(site: Site) -> None:
    anna, ben = await site.switch.caller("Anna"), await site.switch.caller("Ben")
    bot, _ = site.service.issue_user_token()
    contexts: list[str] = []
    site.service.automation.incoming.listen(lambda incoming: contexts.append(incoming.context))

    call = anna.dial(bot)
    await until(lambda: len(contexts) == 1)
    answered = await site.node.run(
        """async ({automation}, context, url) => {
            const made = await automation.answerCall(context, url, {operationContext: 'hello'});
            return made.callConnectionProperties;
        }""",
        contexts[0],
        site.callbacks.url,
    )
    assert answered["answeredby"]["communicationUserId"] == bot
    await call.connected()
    assert (await event(site, "CallConnected"))["operationContext"] == "hello"
    await call.hang_up()
    await event(site, "CallDisconnected")

    reject = "({automation}, context) => automation.rejectCall(context, {callRejectReason: 'busy'})"
    call = anna.dial(bot)
    await until(lambda: len(contexts) == 2)
    await site.node.run(reject, contexts[1])
    await until(lambda: call.state == "Disconnected")
    assert call.call_end_reason is not None
    assert call.call_end_reason.code == 486
    assert (await refusal(site, reject, contexts[1]))[0] == 404

    rings, call = ben.rings(), anna.dial(bot)
    await until(lambda: len(contexts) == 3)
    await site.node.run(
        """({automation}, context, target) =>
            automation.redirectCall(context, {targetParticipant: {communicationUserId: target}})""",
        contexts[2],
        ben.raw_id,
    )
    await (await (await rings).accept(SILENT)).connected()
    await call.connected()


@pytest.mark.operations(
    "postCallingRecordings",
    "getCallingRecordingsRecording",
    "postCallingRecordingsRecordingPause",
    "postCallingRecordingsRecordingResume",
    "deleteCallingRecordingsRecording",
)
async def test_a_recording_is_started_paused_resumed_and_stopped(site: Site) -> None:
    anna = await site.switch.caller("Anna")
    group = str(uuid.uuid4())
    call = await anna.agent.join(GroupCallLocator(group), QUIET).connected()
    feature = call.feature(Features.RECORDING)
    order = {
        "callLocator": {"kind": "groupCallLocator", "id": group},
        "recordingContent": "audio",
        "recordingChannel": "mixed",
        "recordingFormat": "wav",
        "recordingStateCallbackEndpointUrl": site.callbacks.url,
    }
    started = await site.node.run(RECORDING, "start", order)
    recording = started["recordingId"]
    assert (started["recordingState"], started["recordingKind"]) == (
        "active",
        "azureCommunicationServices",
    )
    await until(lambda: feature.is_recording_active)
    told = await event(site, "RecordingStateChanged")
    assert (told["recordingId"], told["state"]) == (recording, "active")
    await site.node.run(RECORDING, "pause", recording)
    await until(lambda: not feature.is_recording_active)
    state = await site.node.run(RECORDING, "getState", recording)
    assert state["recordingState"] == "inactive"
    await site.node.run(RECORDING, "resume", recording)
    await until(lambda: feature.is_recording_active)
    assert (await refusal(site, RECORDING, "start", order))[0] == 409
    await site.node.run(RECORDING, "stop", recording)
    await until(lambda: not feature.is_recording_active)
    assert (await refusal(site, RECORDING, "getState", recording))[0] == 404
    # The vendor's clients fetch files from Microsoft's own hosts only; ours are at their links.
    with pytest.raises(NodeError, match="not a valid Azure Communication Services recording"):
        await site.node.run(RECORDING, "downloadStreaming", "https://calls.example.com/file.wav")
