"""What back ends get of recorded calls: tracks, compositions, mixed files, and the news of them."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from azure.communication.callautomation import (
    RecordingChannel,
    RecordingContent,
    RecordingFormat,
)
from azure.communication.callautomation.aio import CallAutomationClient
from azure.core.credentials import AzureKeyCredential
from twilio.rest import Client

from acs_core.media.frames import AUDIO_RATE, AudioFrame
from acs_core.media.patterns import dominant_frequency
from tests.support.events import until
from tests.support.media_checks import RED
from tests.support.people import Meeting, meeting
from tests.support.webhook_sink import WebhookSink, webhook_sink

PITCH = 660.0
PATIENCE = 40.0
"""Seconds; a file is rendered with low priority."""


def pitch(media: bytes) -> float:
    """The tone in a file."""
    with av.open(io.BytesIO(media)) as container:
        resampler = av.AudioResampler("s16", "mono", AUDIO_RATE)
        frames = [item for one in container.decode(audio=0) for item in resampler.resample(one)]
    samples = [AudioFrame.from_av(frame).samples[:, 0] for frame in frames]
    return dominant_frequency(np.concatenate(samples), AUDIO_RATE)


def has_pictures(media: bytes) -> bool:
    """Whether a file shows something."""
    with av.open(io.BytesIO(media)) as container:
        return any(
            frame.to_ndarray(format="gray").max() > 40 for frame in container.decode(video=0)
        )


async def fetch(url: str, account: str = "") -> bytes:
    """What is behind a link, for an account if need be."""
    headers = {"Authorization": account} if account else {}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        assert answer.status == 200
        return await answer.read()


async def watched(place: Meeting, room: str) -> None:
    """Let a second and a half of media pass, as somebody sees it."""
    watcher = await place.guest("watcher", name=room)
    pictures = 0
    (there,) = watcher.participants.values()
    await until(lambda: any(one.track for one in there.video_tracks.values()))
    (publication,) = there.video_tracks.values()
    async for _ in publication.track.frames():
        pictures += 1
        if pictures == 22:
            return


async def heard(sink: WebhookSink, event: str) -> dict[str, str]:
    """The fields of a status callback, once it has come."""
    await until(lambda: any(event == got.event for got in sink.got), deadline=PATIENCE)
    return next(got.form for got in sink.got if got.event == event)


def grid_events(sink: WebhookSink, kind: str) -> list[dict[str, Any]]:
    """The data of Event Grid's events of a type."""
    found = [event for got in sink.got for event in got.json]
    return [event["data"] for event in found if event["eventType"] == kind]


@pytest.mark.feature("MATRIX-021")
async def test_a_recorded_room_becomes_tracks_and_a_composition_and_callbacks_tell() -> None:
    async with webhook_sink() as sink, meeting(free_disk_floor=0) as place:
        server = place.server
        settings: Any = server.settings
        token = settings.twilio_auth_token.get_secret_value()
        client = Client(settings.twilio_account_sid, token)
        client.video.base_url = server.url
        video = client.video.v1
        hook = await asyncio.to_thread(
            lambda: video.composition_hooks.create(
                "all",
                enabled=True,
                audio_sources=["*"],
                status_callback=sink.url,
                video_layout={"grid": {"video_sources": ["*"]}},
                format="mp4",
            )
        )
        room = await asyncio.to_thread(
            lambda: video.rooms.create(
                unique_name="recorded",
                record_participants_on_connect=True,
                status_callback=sink.url,
            )
        )
        guest = await place.guest("ann", name="recorded", color=RED, tone=PITCH)
        assert guest.is_recording
        await watched(place, "recorded")
        await asyncio.to_thread(lambda: video.rooms(room.sid).update(status="completed"))
        completed = await heard(sink, "recording-completed")
        assert (completed["RoomSid"], completed["ParticipantIdentity"]) == (room.sid, "ann")
        enqueued = await heard(sink, "composition-enqueued")
        assert enqueued["HookSid"] == hook.sid
        available = await heard(sink, "composition-available")
        account = aiohttp.encode_basic_auth(settings.twilio_account_sid, token)
        media = await fetch(server.url + available["MediaUri"], account)
        assert pitch(media) == pytest.approx(PITCH, rel=0.02)
        assert has_pictures(media)
        track = await fetch(f"{server.url}{completed['MediaUri']}", account)
        assert len(track) == int(completed["Size"])


@pytest.mark.feature("MATRIX-021")
async def test_a_recording_of_a_whole_call_becomes_a_file_of_which_event_grid_tells() -> None:
    async with webhook_sink() as sink:
        options: dict[str, Any] = {"event_grid_url": sink.url, "free_disk_floor": 0}
        async with meeting(**options) as place:
            await place.guest("ann", name="talk", tone=PITCH, color=RED)
            (call,) = place.server.calls.live.values()
            key: Any = place.server.settings.acs_access_key
            credential = AzureKeyCredential(key.get_secret_value())
            async with CallAutomationClient(place.server.url, credential) as client:
                started = await client.start_recording(
                    server_call_id=call.id,
                    recording_content_type=RecordingContent.AUDIO,
                    recording_channel_type=RecordingChannel.MIXED,
                    recording_format_type=RecordingFormat.WAV,
                )
                await watched(place, "talk")
                await client.stop_recording(started.recording_id)
            kind = "Microsoft.Communication.RecordingFileStatusUpdated"
            await until(lambda: grid_events(sink, kind), deadline=PATIENCE)
            (data,) = grid_events(sink, kind)
            assert data["recordingFormatType"] == "wav"
            (chunk,) = data["recordingStorageInfo"]["recordingChunks"]
            media = await fetch(chunk["contentLocation"])
            assert pitch(media) == pytest.approx(PITCH, rel=0.02)
            assert data["recordingDurationMs"] > 1000
