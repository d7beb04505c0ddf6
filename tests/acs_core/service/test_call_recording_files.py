"""Files of recordings of whole calls: made and told of in spite of kills, and not kept for ever."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, select

from acs_core import wire
from acs_core.core import endings
from acs_core.service.app import CallingService, embedded
from acs_core.service.automation.bodies import StartRecording
from acs_core.service.automation.recordings import CallRecording
from acs_core.service.calls import ServerCall
from acs_core.service.compositions import CompositionState
from acs_core.service.endpoints import EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.recording.info import RecordingInfo, RecordingStatus
from acs_core.service.settings import ServiceSettings
from acs_core.service.store.compositions import COMPOSITIONS
from acs_core.service.store.recordings import RECORDINGS
from acs_core.service.store.webhooks import DELIVERIES
from tests.support.events import until
from tests.support.track_files import write_tone
from tests.support.webhook_sink import WebhookSink, webhook_sink

KIND = "Microsoft.Communication.RecordingFileStatusUpdated"
PATIENCE = 40.0
"""Seconds; a file is rendered with low priority."""
SOUND = StartRecording(recording_content_type="audio", recording_format_type="wav")


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    async with webhook_sink() as made:
        yield made


def settings(folder: Path, sink: WebhookSink, **more: Any) -> ServiceSettings:
    options = {"event_grid_url": sink.url, "free_disk_floor": 0, **more}
    return ServiceSettings(dev=True, port=0, media_port=0, data_dir=folder, **options)


def told(sink: WebhookSink) -> Iterator[dict[str, Any]]:
    """What Event Grid said of files."""
    for got in sink.got:
        for item in got.json:
            if item["eventType"] == KIND:
                yield item["data"]


def begin(service: CallingService) -> ServerCall:
    """A call with somebody in it."""
    who = Principal("8:acs:r_ann", PrincipalKind.ACS, 2e9)
    call = service.calls.resolve(wire.GroupLocator(group_id=str(uuid.uuid4())), who)
    call.join(uuid.uuid4().hex, who, EndpointObserver())
    return call


def keep_track(
    service: CallingService, call: ServerCall, at: float, room: str | None = None
) -> RecordingInfo:
    """A second of sound, as if it had been recorded."""
    one = uuid.uuid4().hex
    info = RecordingInfo(
        id=one,
        call=call.id,
        room=room,
        endpoint=one,
        identity="ann",
        publication=one,
        name="microphone",
        kind="audio",
        codec="OPUS",
        container="mka",
        status=RecordingStatus.COMPLETED,
        created_at=at,
        offset_ms=0,
        duration=1.0,
    )
    write_tone(service.recordings.path_of(info), 440, 1.0)
    service.database.put(RECORDINGS, info.as_row())
    return info


def record(service: CallingService, call: ServerCall) -> CallRecording:
    """A recording of a call that has stopped, after a second of sound."""
    recordings = service.automation.recordings
    recording = recordings.start(call, SOUND)
    keep_track(service, call, recording.started_at)
    recordings.stop(recording.id)
    return recording


async def state_of(service: CallingService, recording: CallRecording) -> str | None:
    row = await service.database.first(
        select(COMPOSITIONS.c.state).where(COMPOSITIONS.c.id == recording.id)
    )
    return None if row is None else str(row.state)


async def test_a_file_is_not_there_for_others_before_its_event_is_stored(
    tmp_path: Path, sink: WebhookSink
) -> None:
    done = select(COMPOSITIONS.c.id).where(COMPOSITIONS.c.state == CompositionState.COMPLETED)
    events = select(DELIVERIES.c.id).where(DELIVERIES.c.event == KIND)
    seen: set[tuple[int, int]] = set()

    def committing(connection: Connection) -> None:
        rows = [len(connection.execute(query).all()) for query in (done, events)]
        seen.add((rows[0], rows[1]))

    async with embedded(settings(tmp_path, sink)) as service:
        event.listen(service.database._writing.sync_engine, "commit", committing)
        record(service, begin(service))
        await until(lambda: any(told(sink)), deadline=PATIENCE)
        await service.database.flush()
    # Whenever the service had been killed: both or none, or one that is told once more.
    assert {(0, 0), (1, 1)} <= seen <= {(0, 0), (0, 1), (1, 1)}


async def test_what_was_not_rendered_in_time_is_told_after_the_next_start(
    tmp_path: Path, sink: WebhookSink
) -> None:
    async with embedded(settings(tmp_path, sink)) as service:
        call = begin(service)
        recording = record(service, call)
        await until(lambda: service.compositions._tasks)
    assert not any(told(sink))
    async with embedded(settings(tmp_path, sink)) as service:
        assert await state_of(service, recording) in ("enqueued", "processing")
        await until(lambda: any(told(sink)), deadline=PATIENCE)
        assert await state_of(service, recording) == "completed"
    (data,) = told(sink)
    assert (data["recordingContentType"], data["recordingFormatType"]) == ("audio", "wav")
    (chunk,) = data["recordingStorageInfo"]["recordingChunks"]
    assert chunk["documentId"] == recording.id


async def test_files_are_deleted_with_the_retention_of_their_calls(
    tmp_path: Path, sink: WebhookSink
) -> None:
    async with embedded(settings(tmp_path, sink, retention_days=1e-12)) as service:
        archive, folder = service._archive, tmp_path / "media"
        call, live = begin(service), begin(service)
        record(service, call)
        record(service, live)
        of_room = keep_track(service, call, time.time(), room="daily")
        await until(lambda: len(list(told(sink))) == 2, deadline=PATIENCE)

        def files() -> tuple[int, int]:
            """Of recorded tracks, and of whole calls."""
            kinds = ("recordings", "compositions")
            tracks, calls = (len(list((folder / kind).iterdir())) for kind in kinds)
            return tracks, calls

        await archive.forget_old()
        assert files() == (3, 2)
        call.end(endings.HUNG_UP)
        await archive.forget_old()
        # The track of a room is there for whoever lists recordings; the other call goes on.
        assert files() == (2, 1)
        assert service.recordings.path_of(of_room).exists()
        assert len(await service.database.all(select(COMPOSITIONS))) == 1
        assert len(await service.database.all(select(RECORDINGS))) == 2
