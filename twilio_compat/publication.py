"""Publications: the fact that a track is offered to a room. They survive mute.

Source: twilio-video.js 2.36, `lib/media/track/*trackpublication.js`.
"""

from __future__ import annotations

from abc import abstractmethod
from itertools import count
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self, TypeAlias, final

from acs_core.client.emitter import TaskOwner
from twilio_compat.emitter import EventEmitter
from twilio_compat.events import (
    LocalParticipantEvent,
    ParticipantEvent,
    PublicationEvent,
    TrackEvent,
)
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalAudioTrack, LocalTrack, LocalVideoTrack
from twilio_compat.options import TrackPriority, priority_from
from twilio_compat.receiving import ReceiveControl
from twilio_compat.remote_track import (
    RemoteAudioTrack,
    RemoteDataTrack,
    RemoteTrack,
    RemoteVideoTrack,
)
from twilio_compat.track import TrackKind

if TYPE_CHECKING:
    from acs_core.client.publications import LocalPublication, RemotePublication

__all__ = [
    "LocalAudioTrackPublication",
    "LocalDataTrackPublication",
    "LocalPublicationOwner",
    "LocalTrackPublication",
    "LocalVideoTrackPublication",
    "RemoteAudioTrackPublication",
    "RemoteDataTrackPublication",
    "RemoteTrackPublication",
    "RemoteVideoTrackPublication",
    "TrackPublication",
    "make_local_publication",
    "make_remote_publication",
    "track_sid",
]

_instances = count(1)


def track_sid(publication_id: str) -> str:
    """Twilio's SID of a publication of `acs_core`: `MT` and its 32 hex digits."""
    return f"MT{publication_id}"


class TrackPublication(EventEmitter):
    """A track offered to a room."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(
        {PublicationEvent.TRACK_DISABLED, PublicationEvent.TRACK_ENABLED}
    )

    def __init__(self, publication_id: str, name: str, tasks: TaskOwner) -> None:
        super().__init__(tasks)
        self._sid = track_sid(publication_id)
        self._name = name
        self._number = next(_instances)

    @property
    @abstractmethod
    def kind(self) -> TrackKind:
        """What it carries: "audio", "video" or "data"."""

    @property
    def track_sid(self) -> str:
        """`MT` and 32 hex digits."""
        return self._sid

    @property
    def track_name(self) -> str:
        """What the publisher called the track."""
        return self._name

    def to_json(self) -> dict[str, object]:
        """Public attributes, for logs."""
        return {"kind": self.kind, "trackName": self.track_name, "trackSid": self.track_sid}

    def to_string(self) -> str:
        """Class, instance number and SID."""
        return f"[{type(self).__name__} #{self._number}: {self._sid}]"

    def __str__(self) -> str:
        return self.to_string()

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    trackSid = track_sid
    trackName = track_name
    toJSON = to_json
    toString = to_string


class LocalPublicationOwner(Protocol):
    """What a local publication needs of its participant."""

    def unpublish_track(self, track: LocalTrack) -> LocalTrackPublication | None:
        """Withdraw it."""

    def emit(self, event: str, *arguments: object) -> bool:
        """Tell the participant's listeners."""


# What a local participant tells of its tracks, and whether the publication tells it, too.
_LOCAL_CASCADES: dict[TrackEvent, tuple[str, PublicationEvent | None]] = {
    TrackEvent.ENABLED: (LocalParticipantEvent.TRACK_ENABLED, PublicationEvent.TRACK_ENABLED),
    TrackEvent.DISABLED: (LocalParticipantEvent.TRACK_DISABLED, PublicationEvent.TRACK_DISABLED),
    TrackEvent.STOPPED: (LocalParticipantEvent.TRACK_STOPPED, None),
    TrackEvent.STARTED: (ParticipantEvent.TRACK_STARTED, None),
    TrackEvent.DIMENSIONS_CHANGED: (ParticipantEvent.TRACK_DIMENSIONS_CHANGED, None),
}


class LocalTrackPublication(TrackPublication):
    """One of our tracks in a room."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(
        {PublicationEvent.WARNING, PublicationEvent.WARNINGS_CLEARED}
    )

    def __init__(
        self,
        core: LocalPublication,
        track: LocalTrack,
        owner: LocalPublicationOwner,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(core.id, track.name, tasks)
        self._core = core
        self._owner = owner
        self._any_track = track
        self._priority = priority_from(str(core.priority))
        track.bind(core)
        track.observe(self._track_happened)
        # What happened to the track while it was being published nobody has told the service.
        core.set_enabled(track.is_enabled)
        if not isinstance(track, LocalDataTrack) and core.source is not track.sent_source:
            tasks.spawn(core.replace_source(track.sent_source), f"replace {track.name}")

    @property
    @abstractmethod
    def track(self) -> LocalTrack:
        """The track; never None."""

    @property
    def core(self) -> LocalPublication:
        """The publication of `acs_core`."""
        return self._core

    @property
    def is_track_enabled(self) -> bool:
        """False while it sends nothing on purpose; data tracks are always enabled."""
        return self._any_track.is_enabled

    @property
    def priority(self) -> TrackPriority:
        """How much it matters when not everything can be sent."""
        return self._priority

    def set_priority(self, priority: str) -> Self:
        """Change how much it matters.

        Raises:
            ValueError: There is no such priority.
        """
        self._priority = priority_from(priority)
        self._core.set_priority(str(self._priority))
        return self

    def unpublish(self) -> Self:
        """Withdraw the track; it goes on."""
        self._owner.unpublish_track(self._any_track)
        return self

    def _warned(self, *name: str) -> None:
        """Tell a warning, or without name that it is over; for `LocalParticipant`."""
        event = PublicationEvent.WARNING if name else PublicationEvent.WARNINGS_CLEARED
        self.emit(event, *name)

    def _release(self) -> None:
        """Stop following the track; for `LocalParticipant`."""
        self._any_track.unbind(self._core)
        self._any_track.unobserve(self._track_happened)

    def _track_happened(self, track: object, event: TrackEvent) -> None:
        """The participant is told before the publication, unlike on the remote side."""
        if event not in _LOCAL_CASCADES:
            return
        participant_event, publication_event = _LOCAL_CASCADES[event]
        if publication_event is not None:
            self._core.set_enabled(self._any_track.is_enabled)
        self._owner.emit(participant_event, track)
        if publication_event is not None:
            self.emit(publication_event)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isTrackEnabled = is_track_enabled
    setPriority = set_priority


@final
class LocalAudioTrackPublication(LocalTrackPublication):
    """One of our audio tracks in a room."""

    @property
    def kind(self) -> Literal["audio"]:
        """Always "audio"."""
        return "audio"

    @property
    def track(self) -> LocalAudioTrack:
        """The track."""
        assert isinstance(self._any_track, LocalAudioTrack)
        return self._any_track


@final
class LocalVideoTrackPublication(LocalTrackPublication):
    """One of our video tracks in a room."""

    @property
    def kind(self) -> Literal["video"]:
        """Always "video"."""
        return "video"

    @property
    def track(self) -> LocalVideoTrack:
        """The track."""
        assert isinstance(self._any_track, LocalVideoTrack)
        return self._any_track


@final
class LocalDataTrackPublication(LocalTrackPublication):
    """One of our data tracks in a room."""

    @property
    def kind(self) -> Literal["data"]:
        """Always "data"."""
        return "data"

    @property
    def track(self) -> LocalDataTrack:
        """The track."""
        assert isinstance(self._any_track, LocalDataTrack)
        return self._any_track


AnyLocalPublication: TypeAlias = (
    LocalAudioTrackPublication | LocalVideoTrackPublication | LocalDataTrackPublication
)


def make_local_publication(
    core: LocalPublication, track: LocalTrack, owner: LocalPublicationOwner, tasks: TaskOwner
) -> AnyLocalPublication:
    """The publication object of the track's kind."""
    match track:
        case LocalAudioTrack():
            return LocalAudioTrackPublication(core, track, owner, tasks)
        case LocalVideoTrack():
            return LocalVideoTrackPublication(core, track, owner, tasks)
        case LocalDataTrack():
            return LocalDataTrackPublication(core, track, owner, tasks)


class RemoteTrackPublication(TrackPublication):
    """Somebody else's track in a room."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(
        {
            PublicationEvent.PUBLISH_PRIORITY_CHANGED,
            PublicationEvent.SUBSCRIBED,
            PublicationEvent.SUBSCRIPTION_FAILED,
            PublicationEvent.TRACK_SWITCHED_OFF,
            PublicationEvent.TRACK_SWITCHED_ON,
            PublicationEvent.UNSUBSCRIBED,
        }
    )

    def __init__(self, core: RemotePublication, tasks: TaskOwner, control: ReceiveControl) -> None:
        super().__init__(core.id, core.name, tasks)
        self._core = core
        self._control = control
        self._any_track: RemoteTrack | None = None

    @property
    @abstractmethod
    def track(self) -> RemoteTrack | None:
        """The track while it is received, else None."""

    @property
    def is_subscribed(self) -> bool:
        """Whether the track is received; True exactly when `track` is set."""
        return self._any_track is not None

    @property
    def is_track_enabled(self) -> bool:
        """False while the publisher sends nothing on purpose."""
        return self._core.is_enabled

    @property
    def publish_priority(self) -> TrackPriority:
        """How much it matters to its publisher."""
        return priority_from(str(self._core.priority))

    @property
    def core(self) -> RemotePublication:
        """The publication of `acs_core`."""
        return self._core

    def _subscribe(self) -> RemoteTrack:
        """Make the track; for `RemoteParticipant`."""
        self._any_track = self._make_track()
        return self._any_track

    def _unsubscribe(self) -> RemoteTrack | None:
        """Take the track away and return it; for `RemoteParticipant`."""
        track, self._any_track = self._any_track, None
        if isinstance(track, RemoteAudioTrack | RemoteVideoTrack):
            track._end_frames()
        return track

    @abstractmethod
    def _make_track(self) -> RemoteTrack:
        """A track of the fitting kind."""

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isSubscribed = is_subscribed
    isTrackEnabled = is_track_enabled
    publishPriority = publish_priority


@final
class RemoteAudioTrackPublication(RemoteTrackPublication):
    """Somebody else's audio track in a room."""

    @property
    def kind(self) -> Literal["audio"]:
        """Always "audio"."""
        return "audio"

    @property
    def track(self) -> RemoteAudioTrack | None:
        """The track while it is received, else None."""
        return self._any_track if isinstance(self._any_track, RemoteAudioTrack) else None

    def _make_track(self) -> RemoteTrack:
        return RemoteAudioTrack(self._core, self._tasks, self._control)


@final
class RemoteVideoTrackPublication(RemoteTrackPublication):
    """Somebody else's video track in a room."""

    @property
    def kind(self) -> Literal["video"]:
        """Always "video"."""
        return "video"

    @property
    def track(self) -> RemoteVideoTrack | None:
        """The track while it is received, else None."""
        return self._any_track if isinstance(self._any_track, RemoteVideoTrack) else None

    def _make_track(self) -> RemoteTrack:
        return RemoteVideoTrack(self._core, self._tasks, self._control)


@final
class RemoteDataTrackPublication(RemoteTrackPublication):
    """Somebody else's data track in a room."""

    @property
    def kind(self) -> Literal["data"]:
        """Always "data"."""
        return "data"

    @property
    def track(self) -> RemoteDataTrack | None:
        """The track while it is received, else None."""
        return self._any_track if isinstance(self._any_track, RemoteDataTrack) else None

    def _make_track(self) -> RemoteTrack:
        return RemoteDataTrack(self._core, self._tasks)


AnyRemotePublication: TypeAlias = (
    RemoteAudioTrackPublication | RemoteVideoTrackPublication | RemoteDataTrackPublication
)


def make_remote_publication(
    core: RemotePublication, tasks: TaskOwner, control: ReceiveControl
) -> AnyRemotePublication:
    """The publication object of the stream's kind; a shared screen is a video track in Twilio."""
    match core.kind.media:
        case "audio":
            return RemoteAudioTrackPublication(core, tasks, control)
        case "video":
            return RemoteVideoTrackPublication(core, tasks, control)
        case _:
            return RemoteDataTrackPublication(core, tasks, control)
