"""A Twilio program in Python: Twilio's names as they are, nothing of `acs_core` but frames.

It connects, watches and listens to the others, chats over a data track and can be muted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

import twilio_compat as Video  # noqa: N812
from twilio_compat.demo.cast import Clip, Role, replay
from twilio_compat.demo.trace import Trace, View
from twilio_compat.demo.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Participant"]

STOP_TIMEOUT: Final = 4.0

_TOLD: Final = (
    "participantConnected",
    "participantDisconnected",
    "trackPublished",
    "trackUnpublished",
    "trackSubscribed",
    "trackUnsubscribed",
    "trackStarted",
    "trackEnabled",
    "trackDisabled",
    "trackMessage",
    "dominantSpeakerChanged",
    "reconnecting",
    "reconnected",
    "disconnected",
)


@final
class Participant:
    """One of the three.

    Args:
        role: Who it is.
        trace: Where everything it hears goes.
        make_watch: Gives the watch for what it gets of somebody; None for somebody not watched.

    Attributes:
        connecting: When it called `connect`, in seconds of the trace.
        connected: How long that took, in seconds.
        messages: Texts received.
    """

    def __init__(self, role: Role, trace: Trace, make_watch: Callable[[str], Watch | None]) -> None:
        self.role = role
        self.name = role.name
        self._trace = trace
        self._make_watch = make_watch
        self._work: list[asyncio.Task[None]] = []
        self._chat = Video.LocalDataTrack(name="chat")
        self._tracks: list[Video.LocalTrack] = []
        self._room: Video.Room | None = None
        self.connecting = self.connected = 0.0
        self.messages: list[str] = []

    async def join(self, token: str, url: str, room_name: str, clip: Clip, voice: Path) -> None:
        """Make the tracks and connect.

        Raises:
            TwilioError: The service refuses, or cannot be reached.
            MediaError: A file cannot be opened.
        """
        self.connecting = self._trace.now
        audio = await Video.createLocalAudioTrack({"source": voice, "loop": True, "name": "voice"})
        self._tracks.append(audio)
        video = await self._make_video(clip)
        self._tracks.append(video)
        self._room = room = await Video.connect(
            token,
            {
                "name": room_name,
                "tracks": [audio, video, self._chat],
                "dominantSpeaker": True,
                "networkQuality": True,
                "serviceUrl": url,
            },
        )
        self.connected = self._trace.now - self.connecting
        present = ", ".join(one.identity for one in room.participants.values())
        self._tell("connected", f"{room.name}, present: {present or 'nobody'}")
        self._listen(room)

    async def _make_video(self, clip: Clip) -> Video.LocalVideoTrack:
        look = self.role.look
        if look is None and not clip.is_scaled:
            return await Video.createLocalVideoTrack(
                {"source": clip.path, "loop": True, "name": "camera"}
            )
        video = await Video.createLocalVideoTrack({"source": "program", "name": "camera"})
        task = asyncio.create_task(replay(clip, video, look), name=f"replay of {self.name}")
        self._work.append(task)
        return video

    def _listen(self, room: Video.Room) -> None:
        for name in _TOLD:
            room.on(name, lambda *arguments, name=name: self._tell(name, _describe(arguments)))
        room.on("trackSubscribed", self._subscribed)
        room.on("trackMessage", lambda data, *_: self.messages.append(str(data)))
        for participant in room.participants.values():
            for publication in participant.tracks.values():
                if publication.track is not None:
                    self._subscribed(publication.track, publication, participant)

    def _subscribed(
        self,
        track: Video.RemoteTrack,
        _publication: Video.RemoteTrackPublication,
        participant: Video.RemoteParticipant,
    ) -> None:
        watch = self._make_watch(participant.identity)
        if watch is None:
            return
        if isinstance(track, Video.RemoteVideoTrack):
            track.onFrame(watch.see)
        elif isinstance(track, Video.RemoteAudioTrack):
            track.onFrame(watch.hear)

    @property
    def room(self) -> Video.Room:
        """The room; only after `join`."""
        assert self._room is not None
        return self._room

    def mute(self) -> None:
        """Disable the audio track, as a mute button does."""
        self._trace.add(View.STORY, self.name, "disables the audio track")
        for publication in self.room.localParticipant.audioTracks.values():
            publication.track.disable()

    def unmute(self) -> None:
        """Enable it again."""
        self._trace.add(View.STORY, self.name, "enables the audio track")
        for publication in self.room.localParticipant.audioTracks.values():
            publication.track.enable()

    def say(self, text: str) -> None:
        """Send a text to all on the data track."""
        self._trace.add(View.STORY, self.name, "sends", f"\u201c{text}\u201d")
        self._chat.send(text)

    async def leave(self) -> None:
        """Disconnect and stop everything; safe whether or not `join` came to its end."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        if self._room is not None:
            self._room.disconnect()
            await asyncio.wait_for(self._room.closed(), STOP_TIMEOUT)
        for track in self._tracks:
            if not isinstance(track, Video.LocalDataTrack):
                track.stop()
                await track.closed()

    def _tell(self, event: str, detail: str) -> None:
        self._trace.add(View.TWILIO, self.name, event, detail)


def _describe(arguments: tuple[Any, ...]) -> str:
    """What an event is about, in a few words: the person, then the thing."""
    words = [one.identity for one in arguments if isinstance(one, Video.RemoteParticipant)]
    tracks = [one for one in arguments if isinstance(one, Video.Track | Video.TrackPublication)]
    if arguments and isinstance(arguments[0], str):
        words.append(f"\u201c{arguments[0]}\u201d")
    elif tracks:
        words.append(tracks[0].kind)
    return " ".join(words)
