"""Participants of both kinds behind one set of deeds, and one journal of what each hears.

A story told to a page with the vendor's client and to a Python program can be compared line by
line: names of emitters, events and arguments are written alike, as `page/journal.js` does it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from acs_core import Call, CollectionUpdate, RemoteVideoStream
from acs_core import RemoteParticipant as RemoteAcsParticipant
from acs_core.media.sources import ToneSource
from tests.interop.page import Page
from tests.interop.python_side import received
from tests.interop.stage import Stage
from tests.support.events import until
from tests.support.people import pattern
from twilio_compat import (
    LocalAudioTrack,
    LocalDataTrack,
    LocalVideoTrack,
    RemoteParticipant,
    Room,
    TwilioError,
)
from twilio_compat.emitter import EventEmitter

__all__ = ["MOVING", "AcsWitness", "Actor", "Line", "PageActor", "PythonActor", "happenings"]

Line = tuple[str, str, tuple[Any, ...]]
"""Who told it, the event, its arguments."""

MOVING: Final = frozenset(
    {"started", "trackStarted", "dimensionsChanged", "trackDimensionsChanged"}
    | {"networkQualityLevelChanged"}
)
"""Events that come with frames or measurements, so at no certain place between the others."""

# The page's journal listens to these; the facade's other events are not compared.
_TRACK_EVENTS: Final = frozenset(
    {
        "trackDisabled",
        "trackEnabled",
        "trackMessage",
        "trackPublished",
        "trackPublishPriorityChanged",
        "trackStarted",
        "trackSubscribed",
        "trackSubscriptionFailed",
        "trackSwitchedOff",
        "trackSwitchedOn",
        "trackUnpublished",
        "trackUnsubscribed",
    }
)
_PARTICIPANT_EVENTS: Final = frozenset({"connected", "disconnected", "reconnected", "reconnecting"})
_EVENTS: Final[Mapping[str, frozenset[str]]] = {
    "room": _TRACK_EVENTS
    | {
        "disconnected",
        "dominantSpeakerChanged",
        "participantConnected",
        "participantDisconnected",
        "participantReconnected",
        "participantReconnecting",
        "reconnected",
        "reconnecting",
        "recordingStarted",
        "recordingStopped",
    },
    "participant": _PARTICIPANT_EVENTS | _TRACK_EVENTS,
    "local": _PARTICIPANT_EVENTS
    | {"trackDisabled", "trackEnabled", "trackPublicationFailed", "trackPublished"}
    | {"trackStarted", "trackStopped"},
    "publication": frozenset({"publishPriorityChanged", "subscribed", "subscriptionFailed"})
    | {"trackDisabled", "trackEnabled", "trackSwitchedOff", "trackSwitchedOn", "unsubscribed"},
    "local publication": frozenset({"trackDisabled", "trackEnabled"}),
    "track": frozenset({"disabled", "enabled", "message", "started", "switchedOff", "switchedOn"}),
}


class Actor(ABC):
    """One participant, whose deeds are the same whatever it is made of."""

    def __init__(self, identity: str) -> None:
        self.identity = identity

    @abstractmethod
    async def publish(self, media: Mapping[str, Any], **options: Any) -> None:
        """Publish a track; `media` as of `tests.interop.values`, options of `publishTrack`."""

    @abstractmethod
    async def unpublish(self, name: str) -> None:
        """Unpublish a track."""

    @abstractmethod
    async def switch(self, name: str, *, is_on: bool) -> None:
        """Enable or disable a track."""

    @abstractmethod
    async def set_priority(self, priority: str) -> None:
        """Give the own videos a priority."""

    @abstractmethod
    async def send(self, message: str | list[int]) -> None:
        """Send text or bytes on the track `chat`."""

    @abstractmethod
    async def watch(self, identity: str, *, is_on: bool) -> None:
        """Want somebody's video, or not."""

    @abstractmethod
    async def leave(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def lines(self) -> list[Line]:
        """What it heard so far, in order."""

    async def heard(self, emitter: str, event: str, count: int = 1) -> None:
        """Wait until it heard an event for the n-th time."""
        lines: list[Line] = []

        async def so_often() -> bool:
            lines[:] = await self.lines()
            return sum(line[:2] == (emitter, event) for line in lines) >= count

        for _ in range(200):
            if await so_often():
                return
            await _pause()
        raise AssertionError(f"{self.identity} heard no {event} of {emitter}: {lines}")

    async def story(self) -> list[Line]:
        """What it heard so far, without what comes with frames."""
        return [line for line in await self.lines() if line[1] not in MOVING]


async def _pause() -> None:
    passed = iter((False, True))
    await until(lambda: next(passed))


class PageActor(Actor):
    """A page with the vendor's client."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.identity)
        self.page = page

    @classmethod
    async def join(
        cls, stage: Stage, identity: str, media: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> PageActor:
        """A page that is in the room."""
        page = await stage.page(identity, url=options.pop("url", None))
        await page.connect(media=media, **options)
        return cls(page)

    async def publish(self, media: Mapping[str, Any], **options: Any) -> None:
        await self.page.publish(media, **options)

    async def unpublish(self, name: str) -> None:
        await self.page.unpublish(name)

    async def switch(self, name: str, *, is_on: bool) -> None:
        await self.page.run(
            """(room, _, {name, isOn}) => {
                const all = [...room.localParticipant.tracks.values()];
                all.find(one => one.trackName === name).track.enable(isOn);
            }""",
            {"name": name, "isOn": is_on},
        )

    async def set_priority(self, priority: str) -> None:
        await self.page.set_priority(priority)

    async def send(self, message: str | list[int]) -> None:
        await self.page.send(message)

    async def watch(self, identity: str, *, is_on: bool) -> None:
        await self.page.run(
            """(_, harness, {identity, isOn}) => {
                const {track} = harness.publication(identity, 'video', null);
                isOn ? track.switchOn() : track.switchOff();
            }""",
            {"identity": identity, "isOn": is_on},
        )

    async def leave(self) -> None:
        await self.page.disconnect()

    async def lines(self) -> list[Line]:
        return [
            (one.emitter, one.name, tuple(map(_without_class, one.args)))
            for one in await self.page.events()
        ]


class AcsWitness:
    """A program with the ACS Calling SDK, which only listens.

    Attributes:
        happenings: What it heard, in the words of `happenings`.
    """

    def __init__(self, call: Call) -> None:
        self.happenings: list[tuple[str, str, bool]] = []
        call.on("remoteParticipantsUpdated", self._updated)

    def _updated(self, update: CollectionUpdate[RemoteAcsParticipant]) -> None:
        for participant in update.added:
            self._note("is here", participant, True)
            self._follow(participant)
        for participant in update.removed:
            self._note("is here", participant, False)

    def _follow(self, participant: RemoteAcsParticipant) -> None:
        participant.on(
            "isMutedChanged", lambda: self._note("is muted", participant, participant.is_muted)
        )
        participant.on("videoStreamsUpdated", lambda one: self._watch(participant, one.added))
        self._watch(participant, participant.video_streams)

    def _watch(
        self, participant: RemoteAcsParticipant, streams: Sequence[RemoteVideoStream]
    ) -> None:
        for stream in streams:
            if stream.is_available:
                self._note("shows", participant, True)
            stream.on(
                "isAvailableChanged",
                lambda stream=stream: self._note("shows", participant, stream.is_available),
            )

    def _note(self, what: str, participant: RemoteAcsParticipant, is_so: bool) -> None:
        self.happenings.append((participant.display_name, what, is_so))


_IN_OTHER_WORDS: Final[Mapping[tuple[str, str], tuple[str, bool]]] = {
    ("participantConnected", ""): ("is here", True),
    ("participantDisconnected", ""): ("is here", False),
    ("trackDisabled", "audio"): ("is muted", True),
    ("trackEnabled", "audio"): ("is muted", False),
    ("trackSubscribed", "video"): ("shows", True),
    ("trackEnabled", "video"): ("shows", True),
    ("trackDisabled", "video"): ("shows", False),
    ("trackUnsubscribed", "video"): ("shows", False),
}


def happenings(story: Sequence[Line]) -> list[tuple[str, str, bool]]:
    """What a room told, without the vendor: (who, what, whether it is so)."""
    told = []
    for emitter, event, args in story:
        if emitter == "room":
            about = [str(item).split(":") for item in args]
            kind = next((one[1] for one in about if one[0] == "publication"), "")
            found = _IN_OTHER_WORDS.get((event, kind))
            if found is not None:
                told.append((about[-1][1], *found))
    return told


class PythonActor(Actor):
    """A program with the Python facade."""

    def __init__(self, room: Room) -> None:
        super().__init__(room.local_participant.identity)
        self.room = room
        self._lines: list[Line] = []
        self._watched: set[EventEmitter] = set()
        local = room.local_participant
        self._watch("room", "room", room)
        self._watch("local", "local", local)
        for publication in local.tracks.values():
            self._watch_local(publication)
        local.on("trackPublished", self._watch_local)
        for participant in room.participants.values():
            self._watch_participant(participant)
        room.on("participantConnected", self._watch_participant)

    @classmethod
    async def join(
        cls, stage: Stage, identity: str, media: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> PythonActor:
        """A program that is in the room."""
        options.setdefault("service_url", options.pop("url", None) or stage.url)
        return cls(await stage.guest(identity, tracks=[_track(item) for item in media], **options))

    async def publish(self, media: Mapping[str, Any], **options: Any) -> None:
        await self.room.local_participant.publish_track(_track(media), **options)

    async def unpublish(self, name: str) -> None:
        self.room.local_participant.unpublish_track(self._own(name).track)

    async def switch(self, name: str, *, is_on: bool) -> None:
        self._own(name).track.enable(is_on)

    async def set_priority(self, priority: str) -> None:
        for publication in self.room.local_participant.video_tracks.values():
            publication.set_priority(priority)

    async def send(self, message: str | list[int]) -> None:
        self._own("chat").track.send(message if isinstance(message, str) else bytes(message))

    async def watch(self, identity: str, *, is_on: bool) -> None:
        track = received(self.room, identity, "video")
        if is_on:
            track.switch_on()
        else:
            track.switch_off()

    async def leave(self) -> None:
        self.room.disconnect()

    async def lines(self) -> list[Line]:
        return list(self._lines)

    def _own(self, name: str) -> Any:
        tracks = self.room.local_participant.tracks.values()
        return next(one for one in tracks if one.track_name == name)

    # ------------------------------------------------------------ the journal

    def _watch(self, name: str, kind: str, emitter: EventEmitter) -> None:
        if emitter not in self._watched:
            self._watched.add(emitter)
            for event in sorted(_EVENTS[kind] & emitter.known_events()):
                emitter.on(event, self._writer(name, event))

    def _writer(self, name: str, event: str) -> Callable[..., None]:
        return lambda *args: self._lines.append((name, str(event), tuple(map(_described, args))))

    def _watch_local(self, publication: Any) -> None:
        self._watch(f"local/{_described(publication)}", "local publication", publication)

    def _watch_participant(self, participant: RemoteParticipant) -> None:
        self._watch(str(_described(participant)), "participant", participant)
        for publication in participant.tracks.values():
            self._watch_remote(participant, publication)
        participant.on("trackPublished", lambda one: self._watch_remote(participant, one))
        participant.on("trackSubscribed", lambda one, _: self._watch_track(participant, one))

    def _watch_remote(self, participant: RemoteParticipant, publication: Any) -> None:
        name = f"{participant.identity}/{_described(publication)}"
        self._watch(name, "publication", publication)
        if publication.track is not None:
            self._watch_track(participant, publication.track)

    def _watch_track(self, participant: RemoteParticipant, track: Any) -> None:
        self._watch(f"{participant.identity}/{_described(track)}", "track", track)


def _track(media: Mapping[str, Any]) -> LocalAudioTrack | LocalVideoTrack | LocalDataTrack:
    name = str(media["name"])
    if media["kind"] == "data":
        return LocalDataTrack(name=name)
    if media["kind"] == "audio":
        return LocalAudioTrack(ToneSource(media["frequency"]), name=name)
    return LocalVideoTrack(pattern(tuple(media["color"])), name=name)


def _without_class(value: Any) -> Any:
    """Errors as code and message: the names of their classes are minified there."""
    if isinstance(value, dict) and "error" in value:
        return {key: item for key, item in value.items() if key != "error"}
    return value


def _described(value: Any) -> Any:
    """As `describe` of page/journal.js."""
    if isinstance(value, TwilioError):
        return {"code": value.code, "message": value.message}
    if isinstance(value, bytes):
        return {"bytes": list(value)}
    if isinstance(value, Room):
        return f"room:{value.name}"
    if hasattr(value, "identity"):
        return f"participant:{value.identity}"
    if hasattr(value, "track_name"):
        return f"publication:{value.kind}:{value.track_name}"
    if hasattr(value, "kind"):
        return f"track:{value.kind}:{value.name}"
    return str(value) if isinstance(value, str) else value
