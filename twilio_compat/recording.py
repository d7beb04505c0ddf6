"""`record(room, "out.mp4")`: each participant in a file, sound and picture together.

::

    async with record(room, "calls") as recording:      # a folder: one file per participant
        await asyncio.sleep(60)
    for file in recording.files:
        print(file.identity, file.path, file.offset, file.duration)

Theory of operation. A file belongs to an identity, not to a connection: whoever comes back is
recorded into the same file. Its time is real time from when it began: where a participant is muted,
has unpublished or is away there is silence, and the picture is black. Sound and picture are put on
the sender's clock, as soon as its sender reports tell it (RFC 3550 section 6.4.1). A file that ends
with .mp4 can be played even if the process dies.

Source: ours; Twilio records on its servers, one file per track.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final, Self, final

from acs_core.errors import InvalidArgumentError, InvalidStateError, MediaError, Stage
from acs_core.media.recorder import Recorder
from acs_core.media.recording import RecordingOptions, check_recording_path
from twilio_compat.events import RemoteParticipantEvent, RoomEvent
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteAudioTrack, RemoteVideoTrack
from twilio_compat.room import Room, RoomState
from twilio_compat.shown_video import ShownVideo

__all__ = ["RecordedFile", "Recording", "record"]

_log = logging.getLogger(__name__)

_SOUND_QUEUE: Final = 200
"""Frames of 20 ms that may wait while the encoder is busy."""

_MAX_STEM: Final = 200
"""Bytes of an identity in a file's name; file systems take 255 for all of the name."""


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """One finished file.

    Attributes:
        identity: Whose sound and pictures it holds.
        path: The file.
        offset: Seconds from the start of the recording to the start of the file.
        duration: Seconds.
    """

    identity: str
    path: Path
    offset: float
    duration: float


def record(
    room: Room,
    path: str | PathLike[str],
    *,
    participant: RemoteParticipant | str | None = None,
    options: RecordingOptions | None = None,
) -> Recording:
    """Record what is received, from now until `stop`, or until the room is over.

    Args:
        room: The room.
        path: A file that ends in .mp4, .mkv or .webm for one participant; otherwise a folder,
            which is made, for one .mp4 file per participant, named by identity.
        participant: Whom to record, or the identity; None for everybody in a folder, and in a file
            for the one who has been here longest, or the first one to come.
        options: Tracks, size and rates of the files.

    Raises:
        InvalidArgumentError: The path or an option is not possible.
        TypeError: The participant is neither a remote one nor an identity.
    """
    if participant is not None and not isinstance(participant, RemoteParticipant | str):
        raise TypeError("participant must be a RemoteParticipant or an identity")
    return Recording(room, Path(path), participant, options or RecordingOptions())


@final
class Recording:
    """A recording that goes on; made by `record`. Use it as an async context manager, or `stop` it.

    A task that is cancelled inside of the block finishes the files before it ends.
    """

    def __init__(
        self,
        room: Room,
        path: Path,
        participant: RemoteParticipant | str | None,
        options: RecordingOptions,
    ) -> None:
        self._room = room
        self._path = path
        self._options = options
        wanted = participant
        self._identity = wanted.identity if isinstance(wanted, RemoteParticipant) else wanted
        self._is_folder = path.is_dir() or not path.suffix
        self._began = asyncio.get_running_loop().time()
        self._writers: dict[str, _Writer] = {}
        self._files: tuple[RecordedFile, ...] = ()
        self._stopping: asyncio.Task[None] | None = None
        self._failures: list[MediaError] = []
        self._prepare()
        room.on(RoomEvent.PARTICIPANT_CONNECTED, self._came)
        room.on(RoomEvent.DISCONNECTED, self._over)
        for present in room.participants.values():
            self._came(present)
        if room.state is RoomState.DISCONNECTED:
            self._over()

    @property
    def files(self) -> tuple[RecordedFile, ...]:
        """What was written, in the order of the beginnings; empty before the end."""
        return self._files

    async def stop(self) -> tuple[RecordedFile, ...]:
        """Finish all files, in at most 15 s. Safe to repeat.

        Raises:
            MediaError: A file could not be written; the others are finished, too.
        """
        self._over()
        assert self._stopping is not None
        # Shielded: who is cancelled while it waits has complete files all the same.
        await asyncio.shield(self._stopping)
        if self._failures:
            raise self._failures[0]
        return self._files

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _prepare(self) -> None:
        if self._is_folder:
            try:
                self._path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise _unwritable(self._path) from error
            return
        check_recording_path(self._path, self._options)
        if not self._path.parent.is_dir():
            raise _unwritable(self._path.parent)
        if self._identity is not None:
            self._writer(self._identity)

    def _came(self, participant: RemoteParticipant) -> None:
        if self._stopping is not None:
            return
        if not self._is_folder and self._identity is None:
            self._identity = participant.identity
        if self._identity in (None, participant.identity):
            self._writer(participant.identity).follow(participant)

    def _writer(self, identity: str) -> _Writer:
        if identity not in self._writers:
            path = self._path if not self._is_folder else self._file_of(identity)
            offset = 0.0
            if self._is_folder:
                offset = asyncio.get_running_loop().time() - self._began
            self._writers[identity] = _Writer(identity, path, self._options, offset)
        return self._writers[identity]

    def _file_of(self, identity: str) -> Path:
        # What is no letter or digit may mean something to a file system.
        stem = re.sub(r"[^\w.@+-]|^\.", "_", identity).encode()[:_MAX_STEM].decode(errors="ignore")
        # Some file systems do not tell "Ann" from "ann".
        taken = {writer.path.name.casefold() for writer in self._writers.values()}
        names = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
        free = (f"{name}.mp4" for name in names if f"{name}.mp4".casefold() not in taken)
        return self._path / next(free)

    def _over(self) -> None:
        if self._stopping is None:
            self._room.off(RoomEvent.PARTICIPANT_CONNECTED, self._came)
            self._room.off(RoomEvent.DISCONNECTED, self._over)
            self._stopping = asyncio.create_task(self._finish(), name="finish recording")

    async def _finish(self) -> None:
        writers = tuple(self._writers.values())
        results = await asyncio.gather(
            *(writer.close() for writer in writers), return_exceptions=True
        )
        self._files = tuple(one for one in results if isinstance(one, RecordedFile))
        for result in results:
            if isinstance(result, MediaError):
                self._failures.append(result)
            elif isinstance(result, BaseException):
                raise result


@final
class _Writer:
    """The file of one identity."""

    def __init__(self, identity: str, path: Path, options: RecordingOptions, offset: float) -> None:
        self.path = path
        self._identity = identity
        self._offset = offset
        self._has_audio = options.has_audio
        self._recorder = Recorder(path, options)
        self._recorder.begin()
        self._video = ShownVideo(keeps_capture_time=True)
        self._participant: RemoteParticipant | None = None
        if options.has_video:
            self._recorder.add_video(self._video, clock=identity)

    def follow(self, participant: RemoteParticipant) -> None:
        """Record this connection from now on."""
        self._leave()
        self._participant = participant
        for event, listener in self._listeners():
            participant.on(event, listener)
        for publication in participant.audio_tracks.values():
            self._subscribed(publication.track)
        self._choose()

    async def close(self) -> RecordedFile:
        """Finish the file.

        Raises:
            MediaError: It could not be written.
        """
        self._leave()
        self._video.close()
        summary = await self._recorder.close()
        return RecordedFile(self._identity, self.path, self._offset, summary.duration)

    def _leave(self) -> None:
        if self._participant is not None:
            for event, listener in self._listeners():
                self._participant.off(event, listener)
            self._participant = None

    def _listeners(self) -> tuple[tuple[RemoteParticipantEvent, Any], ...]:
        return (
            (RemoteParticipantEvent.TRACK_SUBSCRIBED, self._subscribed),
            (RemoteParticipantEvent.TRACK_UNSUBSCRIBED, self._choose),
            (RemoteParticipantEvent.TRACK_ENABLED, self._choose),
            (RemoteParticipantEvent.TRACK_DISABLED, self._choose),
        )

    def _subscribed(self, track: object) -> None:
        if isinstance(track, RemoteAudioTrack) and self._has_audio:
            try:
                frames = track.frames(max_queue=_SOUND_QUEUE)
            except InvalidStateError as error:
                # The connection is being replaced; what comes with the next one is recorded.
                _log.warning("Sound of %s is not recorded: %s", self._identity, error)
            else:
                self._recorder.add_audio(frames, clock=self._identity)
        self._choose()

    def _choose(self) -> None:
        if self._participant is None:
            return
        tracks = [
            publication.track
            for publication in self._participant.video_tracks.values()
            if isinstance(publication.track, RemoteVideoTrack) and publication.track.is_enabled
        ]
        if self._video.track in tracks:
            return
        if tracks:
            self._video.show(tracks[0])
        elif self._video.track is not None:
            self._video.blank()


def _unwritable(folder: Path) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"There is no folder {folder} to record to.",
        stage=Stage.ARGUMENT,
        next_step="Make it, or give another path.",
    )
