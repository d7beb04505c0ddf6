"""A participant made with the VideoSDK-shaped facade, `mapping.videosdk`.

VideoSDK has fewer words than Twilio: streams that are there or not instead of publications that are
subscribed to, disabled and withdrawn; one stream of each kind, without a name; messages without a
track; nothing of who is lost and comes back. This actor says in Twilio's words what it can,
`can_hear` says what it cannot, and `explanations.toml` has the reasons.

A track is called what the scenario calls it, as VideoSDK has no names.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence, Set
from contextlib import aclosing
from typing import Any, Final, TypeVar

from acs_core import RemotePublication
from acs_core.media.sources import MediaSource
from mapping.compare.actors.base import Actor, DeedError, Place, Sources
from mapping.compare.listening import Hear
from mapping.compare.perceiving import perceptions
from mapping.compare.scenario import Expectation, Media, Scenario, Seat
from mapping.compare.vocabulary import (
    described_data,
    described_error,
    described_participant,
    described_publication,
    described_room,
    described_track,
)
from mapping.videosdk import (
    DataMessage,
    LeaveReason,
    Meeting,
    MeetingError,
    MeetingEvent,
    MeetingState,
    Participant,
    ParticipantEvent,
    Reason,
    StateChange,
    Stream,
    VideoSDK,
)
from twilio_compat.testing.senses import Heard, Seen

__all__ = ["VideoSdkActor", "track_names"]

_T = TypeVar("_T")
_LOOK: Final = 0.05
"""Seconds between two looks for a stream that is not there."""

_UNHEARD: Final = frozenset(
    {
        *("trackPublished", "trackUnpublished", "trackDisabled", "trackEnabled"),
        *("trackPublishPriorityChanged", "trackSwitchedOff", "trackSwitchedOn"),
        *("participantReconnecting", "participantReconnected"),
        *("recordingStarted", "recordingStopped"),
    }
)
"""Events of Twilio's without a counterpart."""

_CODES: Final[Mapping[LeaveReason, int]] = {
    LeaveReason.DUPLICATE_PARTICIPANT: 53205,
    LeaveReason.MEETING_END_API: 53118,
    LeaveReason.REMOVE_ALL: 53118,
    LeaveReason.WEBSOCKET_DISCONNECTED: 53001,
}
"""Why a meeting was left -> Twilio's code; the others are no errors."""

_STATES: Final[Mapping[MeetingState, str]] = {
    MeetingState.CONNECTED: "connected",
    MeetingState.RECONNECTING: "reconnecting",
}

Names = Mapping[tuple[str, str], str]


def track_names(scenario: Scenario) -> dict[tuple[str, str], str]:
    """What the scenario calls the tracks of each identity, by kind; the first one of a kind."""
    names: dict[tuple[str, str], str] = {}
    for step in scenario.steps:
        for deed in step.deeds:
            made = [*deed.arguments.get("tracks", ()), deed.arguments.get("media")]
            for media in made:
                if isinstance(media, Media):
                    identity = scenario.seats[deed.actor].identity
                    names.setdefault((identity, media.kind), media.name)
    return names


class VideoSdkActor(Actor):
    """A program for VideoSDK.

    Args:
        names: As `track_names` gives them.
        seat: See `Actor`.
        place: See `Actor`.
        hear: See `Actor`.
    """

    def __init__(self, names: Names, seat: Seat, place: Place, hear: Hear) -> None:
        super().__init__(seat, place, hear)
        self._names = names
        self._sources = Sources()
        self._made: dict[str, tuple[str, MediaSource | None]] = {}
        self._meetings: list[Meeting] = []
        self._state = MeetingState.CONNECTING
        self._is_joined = False

    @property
    def meeting(self) -> Meeting:
        """The one that it is in.

        Raises:
            DeedError: It is in none.
        """
        if not self._meetings:
            raise DeedError(None, f"{self.seat.actor} has not joined.")
        return self._meetings[-1]

    def can_hear(self, expectation: Expectation, muted: Set[tuple[str, str]]) -> bool:
        """See `Actor`."""
        if expectation.what in ("trackSubscribed", "trackUnsubscribed"):
            # Who is muted sends no stream.
            is_muted = (expectation.of, expectation.track) in muted
            return not is_muted and not self._is_about_data(expectation)
        if expectation.what == "reconnecting":
            # It is told that the meeting reconnects, but not why.
            return expectation.code is None
        return expectation.what not in _UNHEARD

    def _is_about_data(self, expectation: Expectation) -> bool:
        """Whether the track that is expected, or every track of that participant, is of data."""
        tracks = {name: kind for (who, kind), name in self._names.items() if who == expectation.of}
        if expectation.track:
            return tracks.get(expectation.track) == "data"
        return set(tracks.values()) == {"data"}

    async def join(self, tracks: Sequence[Media]) -> Any:
        """See `Actor`."""
        sources: dict[str, MediaSource | None] = {}
        for media in tracks:
            sources[media.kind] = self._make(media)
        VideoSDK.config(self.place.token)
        meeting = VideoSDK.initMeeting(
            meetingId=self.seat.room,
            name=self.seat.identity,
            signalingBaseUrl=self.place.url,
            micEnabled="audio" in sources,
            webcamEnabled="video" in sources,
            customMicrophoneAudioTrack=sources.get("audio"),
            customCameraVideoTrack=sources.get("video"),
        )
        self._meetings.append(meeting)
        meeting.on(MeetingEvent.PARTICIPANT_JOINED, self._joined)
        meeting.on(MeetingEvent.PARTICIPANT_LEFT, self._left)
        meeting.on(MeetingEvent.MEETING_LEFT, self._over)
        meeting.on(MeetingEvent.MEETING_STATE_CHANGED, self._changed)
        meeting.on(MeetingEvent.DATA, self._received)
        if self.seat.dominant_speaker:
            meeting.on(MeetingEvent.SPEAKER_CHANGED, self._speaker_changed)
        await _translated(meeting.join())
        self._is_joined = True
        return self._room()

    async def leave(self) -> Any:
        """See `Actor`."""
        await _translated(self.meeting.leave())

    async def publish(self, media: Media) -> Any:
        """See `Actor`; a data track needs no publishing."""
        source = self._make(media)
        if media.kind == "audio":
            await _translated(self.meeting.unmuteMic(source))
        elif media.kind == "video":
            await _translated(self.meeting.enableWebcam(source))
        own = self.meeting.localParticipant.streams.values()
        sid = next((f"MT{one.id}" for one in own if one.kind == media.kind), "")
        return described_publication(media.kind, media.name, sid)

    async def unpublish(self, name: str) -> Any:
        """See `Actor`."""
        return await self.enable(name, is_enabled=False)

    async def enable(self, name: str, *, is_enabled: bool) -> Any:
        """See `Actor`; to be muted is to send no stream."""
        kind, source = self._find(name)
        if kind == "data":
            raise DeedError(None, "Messages cannot be muted.")
        meeting = self.meeting
        if kind == "audio":
            await _translated(meeting.unmuteMic(source) if is_enabled else meeting.muteMic())
        elif is_enabled:
            await _translated(meeting.enableWebcam(source))
        else:
            await _translated(meeting.disableWebcam())

    async def prioritize(self, name: str, priority: str) -> Any:
        """See `Actor`; there is nothing like it."""
        raise DeedError(None, f"VideoSDK has no priority {priority} for {name}.")

    async def send(self, name: str, data: str | bytes) -> Any:
        """See `Actor`."""
        await _translated(self.meeting.send(data))

    async def roster(self) -> list[dict[str, Any]]:
        """See `Actor`; of what others offer, only what they send is known."""
        return [
            {
                "identity": participant.displayName,
                "tracks": [
                    {
                        "kind": _kind(stream),
                        "name": self._name(participant, _kind(stream)),
                        "enabled": True,
                        "subscribed": True,
                    }
                    for stream in participant.streams.values()
                ],
            }
            for participant in self.meeting.participants.values()
        ]

    async def state(self) -> str:
        """See `Actor`."""
        return _STATES.get(self._state, "disconnected")

    async def perceive(
        self, kind: str, identity: str, track: str
    ) -> AsyncGenerator[Heard | Seen | None, None]:
        """See `Actor`; where no stream of sound is, there is silence."""
        while True:
            found = self._stream(kind, identity)
            if found is None:
                yield Heard(0.0) if kind == "audio" else None
                await asyncio.sleep(_LOOK)
                continue
            async with aclosing(found.frames()) as frames, aclosing(perceptions(frames)) as coming:
                async for one in coming:
                    yield one

    def freeze(self, *, is_frozen: bool) -> None:
        """See `Actor`."""
        self._sources.freeze(is_frozen=is_frozen)

    async def aclose(self) -> None:
        """See `Actor`."""
        for meeting in self._meetings:
            await meeting.aclose()
        await self._sources.aclose()

    # ------------------------------------------------------------ what the meeting tells

    def _joined(self, participant: Participant) -> None:
        participant.on(
            ParticipantEvent.STREAM_ENABLED,
            lambda stream: self._track("trackSubscribed", participant, stream),
        )
        participant.on(
            ParticipantEvent.STREAM_DISABLED,
            lambda stream: self._track("trackUnsubscribed", participant, stream),
        )
        if self._is_joined:
            # Who was there first is told, too; in Twilio they are in the room's collection.
            self.hear("participantConnected", [_described(participant)])

    def _left(self, participant: Participant, _reason: Reason) -> None:
        self.hear("participantDisconnected", [_described(participant)])

    def _over(self, reason: Reason) -> None:
        code = _CODES.get(reason.code)
        error = None if code is None else described_error(code, reason.message)
        self.hear("disconnected", [self._room(), error])

    def _changed(self, change: StateChange) -> None:
        before, self._state = self._state, change.state
        if change.state is MeetingState.RECONNECTING:
            self.hear("reconnecting", [])
        elif change.state is MeetingState.CONNECTED and before is MeetingState.RECONNECTING:
            self.hear("reconnected", [])

    def _received(self, message: DataMessage) -> None:
        sender = self.meeting.participants.get(message.sender)
        if sender is not None:
            track = described_track("data", self._name(sender, "data"), "")
            self.hear("trackMessage", [described_data(message.payload), track, _described(sender)])

    def _speaker_changed(self, speaker: str | None) -> None:
        found = None if speaker is None else self.meeting.participants.get(speaker)
        self.hear("dominantSpeakerChanged", [None if found is None else _described(found)])

    def _track(self, event: str, participant: Participant, stream: Stream) -> None:
        about = (_kind(stream), self._name(participant, _kind(stream)), f"MT{stream.id}")
        told = [described_track(*about), described_publication(*about), _described(participant)]
        self.hear(event, told)

    # ------------------------------------------------------------ inside

    def _make(self, media: Media) -> MediaSource | None:
        source = self._sources.make(media)
        self._made[media.name] = (media.kind, source)
        return source

    def _find(self, name: str) -> tuple[str, MediaSource | None]:
        if name not in self._made:
            raise DeedError(None, f"{self.seat.actor} has no track {name}.")
        return self._made[name]

    def _name(self, participant: Participant, kind: str) -> str:
        return self._names.get((participant.displayName, kind), "")

    def _room(self) -> dict[str, Any]:
        return described_room(self.meeting.id, "")

    def _stream(self, kind: str, identity: str) -> RemotePublication | None:
        for participant in self.meeting.participants.values():
            for stream in participant.streams.values():
                is_it = participant.displayName == identity and _kind(stream) == kind
                if is_it and isinstance(stream.track, RemotePublication):
                    return stream.track
        return None


def _kind(stream: Stream) -> str:
    return "video" if stream.kind == "share" else stream.kind


def _described(participant: Participant) -> dict[str, Any]:
    return described_participant(participant.displayName, f"PA{participant.id}")


async def _translated(deed: Awaitable[_T]) -> _T:
    try:
        return await deed
    except MeetingError as error:
        raise DeedError(None, f"{error.code}: {error.message}") from error
