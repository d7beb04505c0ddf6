"""The room behind a Pipecat transport: entered once, left when its last user leaves.

Theory of operation. Input and output of a transport enter the room when they start and leave it
when they end; output ends later, since its queue is played to the end. The session makes the
bot's tracks before it enters, so that nothing of the first words is lost.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any, Final, Protocol

from pipecat.transports.base_transport import TransportParams

from acs_core.errors import DeadlineError, Stage
from acs_core.media.program import ProgramVideoSource
from twilio_compat.connect import connect
from twilio_compat.errors import TwilioError
from twilio_compat.events import RoomEvent
from twilio_compat.integrations.voice import Voice
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalTrack, LocalVideoTrack
from twilio_compat.publication import RemoteTrackPublication
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteTrack
from twilio_compat.room import Room

__all__ = ["RoomSession", "SessionListener", "TwilioCompatParams"]

_log = logging.getLogger(__name__)

ENTER_DEADLINE: Final = 15.0
LEAVE_DEADLINE: Final = 1.0
"""Seconds; what is not done then goes on in the background, owned by the room."""


class TwilioCompatParams(TransportParams):
    """What goes in and out of the room; see Pipecat's `TransportParams`.

    Attributes:
        audio_in_user_tracks: Give each participant's sound as `UserAudioRawFrame` with the
            identity as `user_id`. By default all are mixed into one stream, which is what a
            pipeline with one speech recognizer needs.
        audio_out_end_silence_secs: Silence after an `EndFrame`; 1 here, as the room's own queue
            is played to its end besides.
    """

    audio_in_user_tracks: bool = False
    audio_out_end_silence_secs: int = 1


class SessionListener(Protocol):
    """Who is told what happens in the room; the transport."""

    async def entered(self, room: Room) -> None:
        """The bot is in the room."""

    async def left(self) -> None:
        """The bot is not in the room any more."""

    async def reconnecting(self) -> None:
        """The network was lost."""

    async def reconnected(self) -> None:
        """The network is back."""

    async def joined(self, participant: RemoteParticipant) -> None:
        """Somebody is in the room."""

    async def parted(self, participant: RemoteParticipant) -> None:
        """Somebody is not in the room any more."""

    async def track_came(self, track: RemoteTrack, participant: RemoteParticipant) -> None:
        """A track is received from now on."""

    async def track_went(self, track: RemoteTrack) -> None:
        """A track is not received any more."""

    async def told(self, message: str | bytes, participant: RemoteParticipant) -> None:
        """A message arrived."""


class RoomSession:
    """A bot's stay in a room; arguments as of `TwilioCompatTransport`."""

    def __init__(
        self,
        token: str,
        room_name: str,
        service_url: str | None,
        params: TwilioCompatParams,
        listener: SessionListener,
    ) -> None:
        self._token = token
        self._room_name = room_name
        self._service_url = service_url
        self._params = params
        self._listener = listener
        self._lock = asyncio.Lock()
        self._users: set[object] = set()
        self._failure: Exception | None = None
        self._data = LocalDataTrack(name="pipecat-data")
        self.room: Room | None = None
        self.error: TwilioError | None = None
        self.voices: dict[str | None, Voice] = {}
        self.pictures: dict[str | None, LocalVideoTrack] = {}

    async def enter(self, user: object) -> None:
        """Enter the room, unless somebody has; for each user once.

        Raises:
            TwilioError: It cannot be entered; the same error for everybody who asks afterwards.
            DeadlineError: The service does not answer in time; likewise.
        """
        async with self._lock:
            self._users.add(user)
            if self._failure is not None:
                raise self._failure
            if self.room is None:
                try:
                    self.room = await self._connect()
                except Exception as error:
                    self._failure = error
                    await self._end_tracks()
                    raise
                self._listen(self.room)
                await self._listener.entered(self.room)

    async def leave(self, user: object) -> None:
        """Leave the room with the last user; safe to repeat."""
        async with self._lock:
            self._users.discard(user)
            if self._users or self.room is None:
                return
            self.room.disconnect()
            try:
                async with asyncio.timeout(LEAVE_DEADLINE):
                    await self.room.closed()
            except TimeoutError:
                _log.warning("Leaving %s takes longer; it goes on.", self.room)
            await self._end_tracks()

    def remote_tracks(self) -> list[tuple[RemoteTrack, RemoteParticipant]]:
        """What is received now, and from whom."""
        people = [] if self.room is None else self.room.participants.values()
        return [
            (publication.track, participant)
            for participant in people
            for publication in participant.tracks.values()
            if publication.track is not None
        ]

    async def add_voice(self, destination: str) -> None:
        """Publish one more audio track, of that name."""
        if self.room is not None and destination not in self.voices:
            voice = Voice(channels=self._params.audio_out_channels, name=destination)
            self.voices[destination] = voice
            await self.room.local_participant.publish_track(voice.track)

    async def add_picture(self, destination: str) -> None:
        """Publish one more video track, of that name."""
        if self.room is not None and destination not in self.pictures:
            self.pictures[destination] = track = _picture(destination)
            await self.room.local_participant.publish_track(track)

    def send(self, message: Any) -> None:
        """Send a message to everybody: objects as JSON, text and bytes as they are."""
        if not isinstance(message, str | bytes):
            message = json.dumps(message, ensure_ascii=False)
        self._data.send(message)

    async def _connect(self) -> Room:
        tracks: list[LocalTrack] = [self._data]
        if self._params.audio_out_enabled:
            voice = Voice(channels=self._params.audio_out_channels, name="pipecat-audio")
            self.voices[None] = voice
            tracks.append(voice.track)
        if self._params.video_out_enabled:
            self.pictures[None] = _picture("pipecat-video")
            tracks.append(self.pictures[None])
        try:
            async with asyncio.timeout(ENTER_DEADLINE):
                return await connect(
                    self._token,
                    name=self._room_name or None,
                    tracks=tracks,
                    service_url=self._service_url,
                )
        except TimeoutError as error:
            raise DeadlineError(
                f"The service did not let the bot in within {ENTER_DEADLINE:g} s.",
                stage=Stage.ADMISSION,
                next_step="Look at the service with: twilio-compat doctor",
            ) from error

    def _listen(self, room: Room) -> None:
        told = self._listener
        room.on(RoomEvent.PARTICIPANT_CONNECTED, told.joined)
        room.on(RoomEvent.PARTICIPANT_DISCONNECTED, told.parted)
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._track_came)
        room.on(RoomEvent.TRACK_UNSUBSCRIBED, told.track_went)
        room.on(RoomEvent.TRACK_MESSAGE, self._told)
        room.on(RoomEvent.RECONNECTING, told.reconnecting)
        room.on(RoomEvent.RECONNECTED, told.reconnected)
        room.on(RoomEvent.DISCONNECTED, self._left)

    async def _track_came(
        self,
        track: RemoteTrack,
        publication: RemoteTrackPublication,
        participant: RemoteParticipant,
    ) -> None:
        await self._listener.track_came(track, participant)

    async def _told(
        self, message: str | bytes, track: RemoteTrack, participant: RemoteParticipant
    ) -> None:
        await self._listener.told(message, participant)

    async def _left(self, room: Room, error: TwilioError | None) -> None:
        self.error = error
        await self._listener.left()

    async def _end_tracks(self) -> None:
        for voice in self.voices.values():
            await voice.aclose()
        for track in self.pictures.values():
            track.stop()
            await track.closed()


def _picture(name: str) -> LocalVideoTrack:
    return LocalVideoTrack(ProgramVideoSource(label=name), name=name)
