"""Tracks of others, as they are received: frames, messages, and whether they are enabled.

A remote track that nobody reads is not decoded and keeps no frames. `started` therefore comes with
the first frame that somebody reads, calls back for, or attaches.

Source: twilio-video.js 2.36, `lib/media/track/remote*track.js`.
"""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    Self,
    TypeAlias,
    TypeVar,
    cast,
    final,
)

from acs_core.client.emitter import TaskOwner
from acs_core.media.frames import AudioFrame, VideoFrame
from twilio_compat.events import TrackEvent
from twilio_compat.frame_pump import FrameFeed, FrameMode
from twilio_compat.options import OptionBag, TrackPriority, priority_from
from twilio_compat.track import AudioTrack, MediaTrack, Track, VideoTrack

if TYPE_CHECKING:
    from acs_core.client.publications import RemotePublication

__all__ = [
    "RemoteAudioTrack",
    "RemoteDataTrack",
    "RemoteMediaTrack",
    "RemoteTrack",
    "RemoteVideoTrack",
]

_Frame = TypeVar("_Frame", bound=VideoFrame | AudioFrame)

_SWITCH_EVENTS = frozenset({TrackEvent.SWITCHED_OFF, TrackEvent.SWITCHED_ON})


class RemoteMediaTrack(MediaTrack[_Frame], Generic[_Frame]):
    """A remote track with frames."""

    EVENTS: ClassVar[frozenset[str]] = _SWITCH_EVENTS

    def __init__(self, core: RemotePublication, tasks: TaskOwner) -> None:
        super().__init__(core.name, tasks)
        self._core = core
        self._is_enabled = core.is_enabled
        self._priority: TrackPriority | None = None

    @property
    def sid(self) -> str:
        """`MT` and 32 hex digits."""
        return f"MT{self._core.id}"

    @property
    def is_enabled(self) -> bool:
        """False while the publisher sends nothing on purpose."""
        return self._is_enabled

    @property
    def is_switched_off(self) -> bool:
        """Whether the service holds the track back; it does not yet, so this is False."""
        return False

    @property
    def priority(self) -> TrackPriority | None:
        """How much it matters to this program; None unless `set_priority` was called."""
        return self._priority

    @property
    def media_stream_track(self) -> RemotePublication:
        """The publication of `acs_core` that delivers the frames."""
        return self._core

    def set_priority(self, priority: str | None) -> Self:
        """Say how much the track matters to this program; kept, without effect yet.

        Raises:
            ValueError: There is no such priority.
        """
        self._priority = None if priority is None else priority_from(priority)
        return self

    def _set_enabled(self, is_enabled: bool) -> None:
        """Take what the publisher did; for `RemoteParticipant`."""
        if is_enabled is not self._is_enabled:
            self._is_enabled = is_enabled
            self._happen(TrackEvent.ENABLED if is_enabled else TrackEvent.DISABLED)

    def _open_feed(self, mode: FrameMode, maximum: int) -> FrameFeed[_Frame]:
        stream: Any = self._core.frames(mode=mode, maximum=maximum)
        return cast("FrameFeed[_Frame]", stream)


@final
class RemoteAudioTrack(RemoteMediaTrack[AudioFrame], AudioTrack):
    """Sound of somebody else."""

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = RemoteMediaTrack.is_enabled
    isSwitchedOff = RemoteMediaTrack.is_switched_off
    mediaStreamTrack = RemoteMediaTrack.media_stream_track
    setPriority = RemoteMediaTrack.set_priority


@final
class RemoteVideoTrack(RemoteMediaTrack[VideoFrame], VideoTrack):
    """Pictures of somebody else."""

    def switch_on(self) -> Self:
        """Ask for the track again.

        Raises:
            TypeError: Always: `clientTrackSwitchOffControl: "manual"` is not offered yet.
        """
        raise _only_manual("switchOn", "clientTrackSwitchOffControl")

    def switch_off(self) -> Self:
        """Ask not to be sent the track.

        Raises:
            TypeError: Always: `clientTrackSwitchOffControl: "manual"` is not offered yet.
        """
        raise _only_manual("switchOff", "clientTrackSwitchOffControl")

    def set_content_preferences(self, preferences: OptionBag) -> Self:
        """Ask for a size.

        Raises:
            TypeError: Always: `contentPreferencesMode: "manual"` is not offered yet.
        """
        raise _only_manual("setContentPreferences", "contentPreferencesMode")

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = RemoteMediaTrack.is_enabled
    isSwitchedOff = RemoteMediaTrack.is_switched_off
    mediaStreamTrack = RemoteMediaTrack.media_stream_track
    setPriority = RemoteMediaTrack.set_priority
    switchOn = switch_on
    switchOff = switch_off
    setContentPreferences = set_content_preferences


@final
class RemoteDataTrack(Track):
    """Messages of somebody else; each comes as event `message(data, track)`, str or bytes."""

    EVENTS: ClassVar[frozenset[str]] = _SWITCH_EVENTS | {TrackEvent.MESSAGE}

    def __init__(self, core: RemotePublication, tasks: TaskOwner) -> None:
        super().__init__(core.name, tasks)
        self._core = core
        self._priority: TrackPriority | None = None

    @property
    def kind(self) -> Literal["data"]:
        """Always "data"."""
        return "data"

    @property
    def sid(self) -> str:
        """`MT` and 32 hex digits."""
        return f"MT{self._core.id}"

    @property
    def is_enabled(self) -> bool:
        """Always True."""
        return True

    @property
    def is_subscribed(self) -> bool:
        """Whether messages arrive."""
        return self._core.is_subscribed

    @property
    def is_switched_off(self) -> bool:
        """Always False."""
        return False

    @property
    def priority(self) -> TrackPriority | None:
        """As `set_priority` left it."""
        return self._priority

    def set_priority(self, priority: str | None) -> Self:
        """Keep a priority; data tracks are never held back.

        Raises:
            ValueError: There is no such priority.
        """
        self._priority = None if priority is None else priority_from(priority)
        return self

    def _deliver(self, data: str | bytes) -> None:
        """Tell a message; for `RemoteParticipant`."""
        self._happen(TrackEvent.MESSAGE, data)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = is_enabled
    isSubscribed = is_subscribed
    isSwitchedOff = is_switched_off
    setPriority = set_priority


RemoteTrack: TypeAlias = RemoteAudioTrack | RemoteVideoTrack | RemoteDataTrack


def _only_manual(method: str, option: str) -> TypeError:
    return TypeError(
        f"Invalid state. You can call {method} only when bandwidthProfile.video.{option} is set "
        'to "manual"'
    )
