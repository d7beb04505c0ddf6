"""Records a room as one would watch it: everybody's sound mixed, and one picture at a time.

The picture is the dominant speaker's; while nobody speaks it stays, and before that it is the first
one there is.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final, final

from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingSummary
from twilio_compat.events import RoomEvent
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteAudioTrack, RemoteVideoTrack
from twilio_compat.room import Room
from twilio_compat.shown_video import ShownVideo

__all__ = ["RoomRecording"]

_log = logging.getLogger(__name__)

_SOUND_QUEUE: Final = 200
"""Frames of 20 ms that may wait while the encoder is busy."""


@final
class RoomRecording:
    """Records a room into a file from `start` to `close`.

    Args:
        path: Ends in .webm, .mkv or .mp4.

    Raises:
        InvalidArgumentError: Another suffix, or no such folder.
    """

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise InvalidArgumentError(
                f"There is no folder {path.parent} to record to.",
                stage=Stage.ARGUMENT,
                next_step="Make it, or give another path.",
            )
        self._recorder = Recorder(path)
        self._video = ShownVideo()
        self._room: Room | None = None

    def start(self, room: Room) -> None:
        """Record what there is and what comes."""
        self._room = room
        self._recorder.add_video(self._video)
        for event, listener in self._listeners():
            room.on(event, listener)
        for participant in room.participants.values():
            for publication in participant.audio_tracks.values():
                if isinstance(publication.track, RemoteAudioTrack):
                    self._subscribed(publication.track, publication, participant)
        self._choose()

    async def close(self) -> RecordingSummary:
        """Finish the file, in at most 15 s.

        Raises:
            MediaError: It cannot be written.
        """
        room, self._room = self._room, None
        if room is not None:
            for event, listener in self._listeners():
                room.off(event, listener)
        self._video.close()
        return await self._recorder.close()

    def _listeners(self) -> tuple[tuple[RoomEvent, Any], ...]:
        return (
            (RoomEvent.TRACK_SUBSCRIBED, self._subscribed),
            (RoomEvent.TRACK_UNSUBSCRIBED, self._choose),
            (RoomEvent.DOMINANT_SPEAKER_CHANGED, self._choose),
        )

    def _subscribed(
        self, track: object, _publication: object, participant: RemoteParticipant
    ) -> None:
        if isinstance(track, RemoteAudioTrack):
            try:
                frames = track.frames(max_queue=_SOUND_QUEUE)
            except InvalidStateError as error:
                # The connection is being replaced; what comes with the next one is recorded.
                _log.warning("Sound of %s is not recorded: %s", participant.identity, error)
            else:
                self._recorder.add_audio(frames, clock=participant.sid)
        self._choose()

    def _choose(self) -> None:
        if self._room is None:
            return
        shown = self._video.track
        speaker = self._room.dominant_speaker
        videos = {one: _video_of(one) for one in self._room.participants.values()}
        candidates = [track for track in videos.values() if track is not None]
        wanted = videos.get(speaker) if speaker is not None else None
        if wanted is None:
            wanted = shown if shown in candidates else next(iter(candidates), None)
        self._video.show(wanted)


def _video_of(participant: RemoteParticipant) -> RemoteVideoTrack | None:
    for publication in participant.video_tracks.values():
        track = publication.track
        if isinstance(track, RemoteVideoTrack) and track.media_stream_track.is_subscribed:
            return track
    return None
