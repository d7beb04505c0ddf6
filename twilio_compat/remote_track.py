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
from acs_core.errors import InvalidStateError
from acs_core.media.frames import AudioFrame, VideoFrame
from twilio_compat.bandwidth import read_render_dimensions
from twilio_compat.events import TrackEvent
from twilio_compat.explaining import ReceiveExplanation
from twilio_compat.frame_pump import FrameFeed, FrameMode
from twilio_compat.option_bags import NO_NAMES, OptionBag, merge
from twilio_compat.options import TrackPriority, priority_from
from twilio_compat.processed_video import ProcessedFeeds, ReopeningFeed
from twilio_compat.receiving import ReceiveControl, Viewers
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

    def __init__(self, core: RemotePublication, tasks: TaskOwner, control: ReceiveControl) -> None:
        super().__init__(core.name, tasks)
        self._core = core
        self._control = control
        self._is_enabled = core.is_enabled
        self._is_switched_off = control.is_switched_off(core)
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
        """Whether the service holds the track back: for lack of bandwidth, or as it is not seen."""
        return self._is_switched_off

    @property
    def priority(self) -> TrackPriority | None:
        """How much it matters to this program; None unless `set_priority` was called."""
        return self._priority

    @property
    def media_stream_track(self) -> RemotePublication:
        """The publication of `acs_core` that delivers the frames."""
        return self._core

    def explain(self) -> ReceiveExplanation:
        """Say why frames of this track come, or do not (ours)."""
        return self._control.explain(self._core)

    def set_priority(self, priority: str | None) -> Self:
        """Say how much the track matters to this program; None goes by its publisher.

        It decides which videos are switched off, if `connect` was given a `bandwidthProfile`.

        Raises:
            ValueError: There is no such priority.
        """
        chosen = None if priority is None else priority_from(priority)
        if chosen is not self._priority:
            self._priority = chosen
            self._control.prioritize(self._core, chosen)
        return self

    def _happen(self, event: TrackEvent, *arguments: object) -> None:
        """Tell the participant, who was the first to listen, and then our listeners."""
        self._tell_observers(event)
        self.emit(event, *arguments, self)

    def _set_switched_off(self, is_switched_off: bool) -> bool:
        """Take what the service does, and return if that changed; for `RemoteParticipant`."""
        is_new = is_switched_off is not self._is_switched_off
        if is_new:
            self._is_switched_off = is_switched_off
            self._happen(TrackEvent.SWITCHED_OFF if is_switched_off else TrackEvent.SWITCHED_ON)
        return is_new

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
    """Pictures of somebody else.

    With a `bandwidthProfile` whose `clientTrackSwitchOffControl` is "auto", which is the default,
    it is switched off while nobody reads it; in a browser, while no element that shows it is seen.
    """

    def __init__(self, core: RemotePublication, tasks: TaskOwner, control: ReceiveControl) -> None:
        super().__init__(core, tasks, control)
        self._viewers: Viewers | None = None
        self._processed: ProcessedFeeds | None = None
        self._readers: list[ReopeningFeed] = []
        if control.is_switched_by_viewers:
            self._viewers = Viewers(lambda is_on: control.switch(core, is_on=is_on))

    @property
    def processed_track(self) -> object | None:
        """What delivers the frames after the processor; None without one."""
        return self._processed

    def switch_on(self) -> Self:
        """Ask for the track again; `switchedOn` tells when it is sent.

        Raises:
            TypeError: `clientTrackSwitchOffControl` of `connect` is not "manual".
        """
        self._control.switch_by_program(self._core, is_on=True)
        return self

    def switch_off(self) -> Self:
        """Ask not to be sent the track; `switchedOff` tells when it is not.

        Raises:
            TypeError: `clientTrackSwitchOffControl` of `connect` is not "manual".
        """
        self._control.switch_by_program(self._core, is_on=False)
        return self

    def set_content_preferences(self, preferences: OptionBag) -> Self:
        """Ask for a size: `{"renderDimensions": {"width": 640, "height": 360}}`.

        Raises:
            TypeError: `contentPreferencesMode` of `connect` is not "manual"; an unknown key, or
                one of the wrong type.
        """
        self._control.check_content()
        known = frozenset({"render_dimensions"})
        values = merge("contentPreferences", preferences, {}, known, NO_NAMES, NO_NAMES)
        given = values.get("render_dimensions")
        size = read_render_dimensions("contentPreferences.renderDimensions", given)
        if size is not None:
            self._control.resize(self._core, size)
        return self

    def _open_feed(self, mode: FrameMode, maximum: int) -> FrameFeed[VideoFrame]:
        reader = ReopeningFeed(lambda: self._feed_of_now(mode, maximum), self._reader_closed)
        self._readers.append(reader)
        if self._viewers is not None:
            self._viewers.came()
        return reader

    def _feed_of_now(self, mode: FrameMode, maximum: int) -> FrameFeed[VideoFrame]:
        if self._processed is None:
            return super()._open_feed(mode, maximum)
        return self._processed.frames(1 if mode == "latest" else maximum)

    def _reader_closed(self, reader: ReopeningFeed) -> None:
        self._readers = [one for one in self._readers if one is not reader]
        if self._viewers is not None:
            self._viewers.went()

    def _processor_changed(self) -> None:
        self._processed = None
        if self._run is not None:
            raw = super()._open_feed
            self._processed = ProcessedFeeds(lambda: raw("latest", 1), self._run, self._tasks)
        for reader in tuple(self._readers):
            try:
                reader.reopen()
            except InvalidStateError:
                continue  # Not received any more: the reader ends by itself.

    def _end_frames(self) -> None:
        if self._viewers is not None:
            self._viewers.end()
        super()._end_frames()

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = RemoteMediaTrack.is_enabled
    isSwitchedOff = RemoteMediaTrack.is_switched_off
    mediaStreamTrack = RemoteMediaTrack.media_stream_track
    processedTrack = processed_track
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
    def ordered(self) -> bool:
        """Whether messages arrive in the order they were sent."""
        return self._core.reliability.ordered

    @property
    def max_retransmits(self) -> int | None:
        """Resends after which a message is given up; None for as many as needed."""
        return self._core.reliability.max_retransmits

    @property
    def max_packet_life_time(self) -> int | None:
        """Milliseconds after which a message is given up; None for never."""
        return self._core.reliability.max_packet_life_time_ms

    @property
    def reliable(self) -> bool:
        """Whether no message is ever given up."""
        return self.max_retransmits is None and self.max_packet_life_time is None

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
    maxPacketLifeTime = max_packet_life_time
    maxRetransmits = max_retransmits
    setPriority = set_priority


RemoteTrack: TypeAlias = RemoteAudioTrack | RemoteVideoTrack | RemoteDataTrack
