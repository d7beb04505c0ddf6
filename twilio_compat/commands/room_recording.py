"""Records a room as one would watch it: everybody's sound mixed, and one picture at a time.

The picture is the dominant speaker's; while nobody speaks it stays, and before that it is the first
one there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import final

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.media.frames import VideoFrame
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingSummary
from twilio_compat.events import RoomEvent
from twilio_compat.frame_pump import TrackFrames
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteAudioTrack, RemoteVideoTrack
from twilio_compat.room import Room

__all__ = ["RoomRecording", "ShownVideo"]


@final
class ShownVideo(AsyncIterator[VideoFrame]):
    """The pictures of one track after the other, for one reader.

    Their times are those of arrival, since each sender has a clock of its own.
    """

    def __init__(self) -> None:
        self._track: RemoteVideoTrack | None = None
        self._frames: TrackFrames[VideoFrame] | None = None
        self._chosen = asyncio.Event()

    @property
    def track(self) -> RemoteVideoTrack | None:
        """The track that is shown."""
        return self._track

    def show(self, track: RemoteVideoTrack | None) -> None:
        """Go on with another track; None waits for one."""
        if track is self._track:
            return
        self.close()
        self._track = track
        if track is not None:
            self._chosen.set()

    def close(self) -> None:
        """Read nothing until the next track."""
        self._track = None
        self._chosen.clear()
        if self._frames is not None:
            self._frames.close()

    async def __anext__(self) -> VideoFrame:
        """Wait for the next picture; there is no end."""
        while True:
            await self._chosen.wait()
            if self._frames is None and self._track is not None:
                self._frames = self._track.frames()
            if self._frames is None:
                continue
            try:
                frame = await self._frames.__anext__()
            except StopAsyncIteration:
                self._frames = None
                if self._track is not None and not self._track.media_stream_track.is_subscribed:
                    self.close()
                continue
            return VideoFrame(frame.av_frame, time=asyncio.get_running_loop().time())


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
                next_step="Make it, or give another path to --record.",
            )
        self._recorder = Recorder(path)
        self._video = ShownVideo()
        self._room: Room | None = None

    def start(self, room: Room) -> None:
        """Record what there is and what comes."""
        self._room = room
        self._recorder.add_video(self._video)
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._subscribed)
        room.on(RoomEvent.TRACK_UNSUBSCRIBED, self._choose)
        room.on(RoomEvent.DOMINANT_SPEAKER_CHANGED, self._choose)
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
        self._video.close()
        return await self._recorder.close()

    def _subscribed(
        self, track: object, _publication: object, participant: RemoteParticipant
    ) -> None:
        if isinstance(track, RemoteAudioTrack):
            self._recorder.add_audio(track.frames(), clock=participant.sid)
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
