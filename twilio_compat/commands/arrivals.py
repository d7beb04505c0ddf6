"""What arrives in a room: every track is read, so that its figures are those of decoded media.

Theory of operation: `Arrivals` listens to a room and registers for the frames of each track, which
makes the client decode it. `sample` reads the figures; of a track that is gone, the last ones stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from acs_core.client.publications import RemotePublication
from acs_core.media.stats import ReceiverStats
from twilio_compat.events import RoomEvent
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteAudioTrack, RemoteDataTrack, RemoteVideoTrack
from twilio_compat.room import Room

__all__ = ["Arrival", "Arrivals", "loss_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The newest figures of one track.

    Attributes:
        participant: Identity of who publishes it.
        track_sid: `MT` and 32 hex digits.
        kind: "audio", "video" or "data".
        is_enabled: False while the publisher sends nothing on purpose.
        is_here: Whether it is still subscribed.
        codec: Its name; empty before the first packet.
        frames: Decoded so far; for data, messages.
        width: Pixels; 0 for anything but video.
        height: Pixels; 0 for anything but video.
        frames_per_second: Over the last second.
        bitrate_bps: Over the last second.
        bytes: So far.
        level_dbov: 0 (loudest) to -127; None for anything but sound.
        loss: 0 to 1, of all packets so far.
    """

    participant: str
    track_sid: str
    kind: str
    is_enabled: bool = True
    is_here: bool = True
    codec: str = ""
    frames: int = 0
    width: int = 0
    height: int = 0
    frames_per_second: float = 0.0
    bitrate_bps: int = 0
    bytes: int = 0
    level_dbov: int | None = None
    loss: float = 0.0


def loss_of(stats: ReceiverStats) -> float:
    """The part of the packets that never arrived, 0 to 1 (RFC 3550 section 6.4.1, cumulative)."""
    lost = max(0, stats.packets_lost)
    expected = stats.packets_received + lost
    return lost / expected if expected else 0.0


class _Entry:
    """One track: who sends it, and the frames counted."""

    def __init__(self, participant: str, track_sid: str, kind: str) -> None:
        self.participant = participant
        self.track_sid = track_sid
        self.kind = kind
        self.core: RemotePublication | None = None
        self.stats: ReceiverStats | None = None
        self.is_enabled = True
        self.frames = 0

    def count(self, _frame: object) -> None:
        self.frames += 1

    def sample(self) -> Arrival:
        """Read the figures; without a subscription those of the last time."""
        if self.core is not None:
            self.is_enabled = self.core.is_enabled
            self.stats = self.core.stats or self.stats
        stats = self.stats or ReceiverStats(kind=self.kind, mid="")
        is_live = self.core is not None and self.is_enabled
        return Arrival(
            participant=self.participant,
            track_sid=self.track_sid,
            kind=self.kind,
            is_enabled=self.is_enabled,
            is_here=self.core is not None,
            codec=stats.codec_name,
            frames=self.frames,
            width=stats.frame_width,
            height=stats.frame_height,
            frames_per_second=stats.frames_per_second if is_live else 0.0,
            bitrate_bps=stats.bitrate_bps if is_live else 0,
            bytes=stats.bytes_received,
            level_dbov=None if stats.audio_level is None else -stats.audio_level,
            loss=loss_of(stats),
        )


@final
class Arrivals:
    """Reads every track of a room from now on; the room's end ends it."""

    def __init__(self, room: Room) -> None:
        self._entries: dict[str, _Entry] = {}
        room.on(RoomEvent.TRACK_SUBSCRIBED, self._subscribed)
        room.on(RoomEvent.TRACK_UNSUBSCRIBED, self._unsubscribed)
        for participant in room.participants.values():
            for publication in participant.tracks.values():
                if publication.track is not None:
                    self._subscribed(publication.track, publication, participant)

    def sample(self) -> list[Arrival]:
        """The figures of all tracks that ever came, in the order of coming."""
        return [entry.sample() for entry in self._entries.values()]

    def _subscribed(
        self,
        track: RemoteAudioTrack | RemoteVideoTrack | RemoteDataTrack,
        _publication: object,
        participant: RemoteParticipant,
    ) -> None:
        entry = self._entries.setdefault(
            track.sid, _Entry(participant.identity, track.sid, track.kind)
        )
        match track:
            case RemoteDataTrack():
                track.on("message", lambda *_: entry.count(None))
            case RemoteVideoTrack() | RemoteAudioTrack():
                entry.core = track.media_stream_track
                track.on_frame(entry.count)

    def _unsubscribed(
        self,
        track: RemoteAudioTrack | RemoteVideoTrack | RemoteDataTrack,
        *_: object,
    ) -> None:
        entry = self._entries.get(track.sid)
        if entry is not None:
            entry.core = None
