"""Recordings of whole calls through Microsoft's client."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from azure.communication.callautomation import (
    AzureBlobContainerRecordingStorage,
    ChannelAffinity,
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
)
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.communication.callautomation._generated import models
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from acs_core import Call, GroupCallLocator, JoinCallOptions, RoomCallLocator
from acs_core.service import embedded
from acs_core.service.automation.bodies import CallLocator, StartRecording
from acs_core.service.automation.recordings import CallRecording, RecordingState
from acs_core.service.rooms import RoomKind, RoomOptions
from acs_core.service.settings import ServiceSettings
from tests.acs_core.service.automation.conftest import Site
from tests.support.events import until

QUIET = JoinCallOptions(streams=())


async def group_call(site: Site) -> tuple[str, Call]:
    anna = await site.person()
    group = str(uuid.uuid4())
    return group, await anna.agent.join(GroupCallLocator(group), QUIET).connected()


def is_recorded(call: Call) -> bool:
    from acs_core import Features

    return call.feature(Features.RECORDING).is_recording_active


async def test_a_recording_runs_through_its_states(site: Site) -> None:
    group, call = await group_call(site)
    seen: list[RecordingState] = []
    site.switch.service.automation.recordings.observers.append(lambda it: seen.append(it.state))
    started = await site.program.ask(
        "start_recording",
        group_call_id=group,
        recording_state_callback_url=site.callbacks.url,
    )
    recording = started.recording_id
    assert (started.recording_state, started.recording_kind) == (
        "active",
        "azureCommunicationServices",
    )
    await until(lambda: is_recorded(call))
    changed = models.RecordingStateChanged.deserialize(
        await site.callbacks.event("RecordingStateChanged")
    )
    assert changed.state == "active"
    assert changed.server_call_id == next(iter(site.switch.service.calls.live))

    await site.program.ask("pause_recording", recording)
    await site.program.ask("pause_recording", recording)
    await until(lambda: not is_recorded(call))
    now = await site.program.ask("get_recording_properties", recording)
    assert now.recording_state == "inactive"

    await site.program.ask("resume_recording", recording)
    await until(lambda: is_recorded(call))
    now = await site.program.ask("get_recording_properties", recording)
    assert now.recording_state == "active"

    await site.program.ask("stop_recording", recording)
    await until(lambda: not is_recorded(call))
    with pytest.raises(ResourceNotFoundError) as caught:
        await site.program.ask("get_recording_properties", recording)
    assert caught.value.error.code == "8522"  # type: ignore[attr-defined]
    last = await site.callbacks.event("RecordingStateChanged", 4)
    assert last["state"] == "inactive"
    assert seen == [
        RecordingState.ACTIVE,
        RecordingState.PAUSED,
        RecordingState.ACTIVE,
        RecordingState.STOPPED,
    ]


async def test_a_recording_is_found_by_each_locator(site: Site) -> None:
    anna = await site.person()
    room = site.switch.service.rooms.create()
    await anna.agent.join(RoomCallLocator(room.id), QUIET).connected()
    server_call = next(iter(site.switch.service.calls.live))
    connected = await site.program.ask("connect_call", site.callbacks.url, room_id=room.id)
    for place in (
        {"room_id": room.id},
        {"server_call_id": server_call},
        {"call_connection_id": connected.call_connection_id},
    ):
        started = await site.program.ask("start_recording", **place)
        recording = site.switch.service.automation.recordings.find(started.recording_id)
        assert (started.recording_state, recording.call_id) == ("active", server_call)
        await site.program.ask("stop_recording", started.recording_id)


async def test_a_recording_may_begin_paused(site: Site) -> None:
    group, call = await group_call(site)
    started = await site.program.ask("start_recording", group_call_id=group, pause_on_start=True)
    assert started.recording_state == "inactive"
    assert not is_recorded(call)
    await site.program.ask("resume_recording", started.recording_id)
    await until(lambda: is_recorded(call))


async def test_a_call_has_one_recording_at_a_time(site: Site) -> None:
    group, _ = await group_call(site)
    await site.program.ask("start_recording", group_call_id=group)
    with pytest.raises(ResourceExistsError) as caught:
        await site.program.ask("start_recording", group_call_id=group)
    assert caught.value.error.code == "8553"  # type: ignore[attr-defined]


async def test_what_acs_does_not_record_is_refused(site: Site) -> None:
    group, call = await group_call(site)
    wrong: tuple[dict[str, Any], ...] = (
        {"recording_content_type": RecordingContent.AUDIO_VIDEO, "recording_format_type": "wav"},
        {
            "recording_content_type": RecordingContent.AUDIO_VIDEO,
            "recording_channel_type": RecordingChannel.UNMIXED,
        },
        {"recording_content_type": RecordingContent.AUDIO, "recording_format_type": "mp4"},
        {"recording_content_type": "smell"},
        {"recording_state_callback_url": "nowhere"},
        {
            "recording_content_type": RecordingContent.AUDIO,
            "audio_channel_participant_ordering": [AzureUser("8:acs:a_b")],
        },
    )
    for options in wrong:
        with pytest.raises(HttpResponseError) as caught:
            await site.program.ask("start_recording", group_call_id=group, **options)
        assert (caught.value.status_code, caught.value.error.code) == (400, "8523"), options
    with pytest.raises(HttpResponseError) as caught:
        await site.program.ask(
            "start_recording",
            group_call_id=group,
            recording_storage=AzureBlobContainerRecordingStorage("https://blob.invalid/c"),
        )
    assert (caught.value.status_code, caught.value.error.code) == (405, "8520")
    assert not is_recorded(call)


async def test_channels_of_an_unmixed_recording_are_in_the_wanted_order(site: Site) -> None:
    group, _ = await group_call(site)
    kept: list[CallRecording] = []
    site.switch.service.automation.recordings.observers.append(kept.append)
    people = [AzureUser(f"8:acs:a_{name}") for name in "xyz"]
    for options in (
        {"audio_channel_participant_ordering": people},
        {
            "channel_affinity": [
                ChannelAffinity(target_participant=who, channel=channel)
                for channel, who in reversed(list(enumerate(people)))
            ]
        },
    ):
        started = await site.program.ask(
            "start_recording",
            group_call_id=group,
            recording_content_type=RecordingContent.AUDIO,
            recording_channel_type=RecordingChannel.UNMIXED,
            recording_format_type=RecordingFormat.WAV,
            **options,
        )
        assert kept[-1].participants == tuple(who.raw_id for who in people)
        await site.program.ask("stop_recording", started.recording_id)


async def test_recordings_that_are_not_there_are_not_found(site: Site) -> None:
    for operation in (
        "get_recording_properties",
        "stop_recording",
        "pause_recording",
        "resume_recording",
    ):
        with pytest.raises(ResourceNotFoundError):
            await site.program.ask(operation, "f" * 32)
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("start_recording", server_call_id="f" * 32)
    with pytest.raises(ResourceNotFoundError):
        await site.program.ask("start_recording", call_connection_id="f" * 32)


async def test_media_that_browsers_send_each_other_is_not_recorded(site: Site) -> None:
    service = site.switch.service
    call = service.calls.create(
        unique_name="between us", options=RoomOptions(kind=RoomKind.PEER_TO_PEER)
    )
    with pytest.raises(HttpResponseError) as caught:
        await site.program.ask("start_recording", server_call_id=call.id)
    assert caught.value.status_code == 405


async def test_a_recording_ends_with_its_call(site: Site) -> None:
    group, call = await group_call(site)
    started = await site.program.ask(
        "start_recording", group_call_id=group, recording_state_callback_url=site.callbacks.url
    )
    await call.hang_up()
    last = await site.callbacks.event("RecordingStateChanged", 2)
    assert (last["recordingId"], last["state"]) == (started.recording_id, "inactive")


async def test_a_recording_that_ran_when_the_service_was_killed_is_stopped_at_the_next_start(
    tmp_path: Path,
) -> None:
    # A copy of the files, as a kill leaves them behind.
    settings = {"dev": True, "port": 0, "media_port": 0}
    before, after = tmp_path / "before", tmp_path / "after"
    async with embedded(ServiceSettings(**settings, data_dir=before)) as service:
        call = service.calls.create(unique_name="daily")
        wanted = StartRecording(call_locator=CallLocator(server_call_id=call.id))
        recording = service.automation.recordings.start(call, wanted)
        service.automation.recordings.pause(recording.id)
        await service.database.flush()
        after.mkdir()
        for file in before.glob("*.sqlite3*"):
            (after / file.name).write_bytes(file.read_bytes())
    seen: list[CallRecording] = []
    async with embedded(ServiceSettings(**settings, data_dir=after)) as service:
        service.automation.recordings.observers.append(seen.append)
        assert await service.automation.recordings.restore() == []
        from sqlalchemy import select

        from acs_core.service.store.call_recordings import CALL_RECORDINGS

        row = await service.database.first(select(CALL_RECORDINGS))
    assert row is not None
    assert (row.id, row.state, row.call_id) == (recording.id, "stopped", call.id)
    assert row.stopped_at >= row.started_at
    assert len(row.pauses) == 1
    assert row.pauses[0][1] == row.stopped_at
    assert seen == []
