"""What all tracks have in common: a kind, a name, events, and for media: frames.

The headless contract replaces the DOM: `frames()` iterates, `on_frame` calls back, `attach` gives a
sink that holds the newest picture or sound, writes a file or opens a window. Each opens its own
reader with a bounded buffer: a slow reader loses frames, which it can count, and disturbs nobody.

Source: the frame contract of Twilio's Node media SDK (FrameDeliveryOptions); twilio-video.js 2.36
`lib/media/track`.
"""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from os import PathLike
from typing import Any, ClassVar, Final, Generic, Literal, Protocol, Self, TypeVar, Unpack

from acs_core.client.emitter import TaskOwner
from acs_core.errors import InvalidArgumentError, InvalidStateError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.sinks import FrameSurface
from twilio_compat.emitter import EventEmitter
from twilio_compat.events import TrackEvent
from twilio_compat.frame_pump import AudioSink, FrameFeed, FrameMode, FramePump, TrackFrames
from twilio_compat.option_bags import OptionBag
from twilio_compat.sinks import FileSink, FrameSink, WindowSink, open_sink
from twilio_compat.video_processor import (
    AddProcessorKeywords,
    ProcessorRun,
    read_processor_options,
)

__all__ = [
    "AudioTrack",
    "Dimensions",
    "FrameSink",
    "MediaTrack",
    "Track",
    "TrackKind",
    "TrackObserver",
    "VideoTrack",
]

TrackKind = Literal["audio", "video", "data"]
_Frame = TypeVar("_Frame", bound=VideoFrame | AudioFrame)

MAX_QUEUE: Final = 1024
"""Source: Twilio's Node media SDK, `maxQueueSize`."""

_instances = count(1)


class TrackObserver(Protocol):
    """Who is told after a track told its own listeners."""

    def __call__(self, track: Any, event: TrackEvent) -> None:
        """`event` happened to `track`."""


@dataclass(slots=True)
class Dimensions:
    """Size of a video in pixels; both None before its first frame. Changed in place."""

    width: int | None = None
    height: int | None = None


class Track(EventEmitter):
    """A source of audio, video or messages."""

    def __init__(self, name: str, tasks: TaskOwner | None = None) -> None:
        super().__init__(tasks)
        self._name = name
        self._number = next(_instances)
        self._observers: list[TrackObserver] = []

    @property
    @abstractmethod
    def kind(self) -> TrackKind:
        """What it carries: "audio", "video" or "data"."""

    @property
    def name(self) -> str:
        """What the publisher called it; its id when it was not named."""
        return self._name

    def to_json(self) -> dict[str, object]:
        """Public attributes, for logs."""
        return {"kind": self.kind, "name": self.name}

    def to_string(self) -> str:
        """Class, instance number and name."""
        return f"[{type(self).__name__} #{self._number}: {self._name}]"

    def __str__(self) -> str:
        return self.to_string()

    def observe(self, observer: TrackObserver) -> None:
        """Tell `observer` what happens to this track; for publications."""
        self._observers.append(observer)

    def unobserve(self, observer: TrackObserver) -> None:
        """Stop telling `observer`."""
        if observer in self._observers:
            self._observers.remove(observer)

    def _happen(self, event: TrackEvent, *arguments: object) -> None:
        """Tell listeners, then observers: Twilio's order from the inside out."""
        self.emit(event, *arguments, self)
        self._tell_observers(event)

    def _tell_observers(self, event: TrackEvent) -> None:
        for observer in tuple(self._observers):
            observer(self, event)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    toJSON = to_json
    toString = to_string


class MediaTrack(Track, Generic[_Frame]):
    """A track with frames."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(
        {TrackEvent.DISABLED, TrackEvent.ENABLED, TrackEvent.STARTED}
    )
    DEFAULT_MODE: ClassVar[FrameMode] = "latest"
    DEFAULT_QUEUE: ClassVar[int] = 1

    def __init__(self, name: str, tasks: TaskOwner | None = None) -> None:
        super().__init__(name, tasks)
        self._is_started = False
        self._pump: FramePump[_Frame] = FramePump(self.frames, self._tasks, f"frames of {name}")
        self._sinks: list[FrameSink[_Frame]] = []
        self._names: dict[str, FrameSink[_Frame]] = {}

    @property
    def is_started(self) -> bool:
        """True after the first frame was seen; a remote track that nobody reads sees none."""
        return self._is_started

    @property
    @abstractmethod
    def is_enabled(self) -> bool:
        """False while the publisher sends nothing on purpose."""

    @property
    @abstractmethod
    def media_stream_track(self) -> object:
        """What delivers the frames underneath: a `MediaSource` or a remote publication."""

    @property
    def processed_track(self) -> object | None:
        """What delivers them after a processor; None without one."""
        return None

    def frames(
        self, mode: FrameMode | None = None, *, max_queue: int | None = None
    ) -> TrackFrames[_Frame]:
        """Read frames from now on: `async for frame in track.frames()`.

        Args:
            mode: "latest" keeps only the newest frame for a slow reader (the default for video),
                "queue" keeps `max_queue` and drops the oldest (the default for audio).
            max_queue: 1 to 1024; 10 by default.

        Raises:
            ValueError: No such mode, or the queue is out of range.
        """
        chosen = self.DEFAULT_MODE if mode is None else mode
        if chosen not in ("latest", "queue"):
            raise ValueError("mode must be one of latest, queue")
        size = self.DEFAULT_QUEUE if max_queue is None else max_queue
        if not 1 <= size <= MAX_QUEUE:
            raise ValueError(f"max_queue must be between 1 and {MAX_QUEUE}")
        return TrackFrames(self._open_feed(chosen, size), self._saw)

    def on_frame(self, receiver: Callable[[_Frame], object]) -> Callable[[], None]:
        """Call `receiver` with each frame; return what takes it back. It must not block."""
        self._pump.add(receiver)
        return lambda: self._pump.remove(receiver)

    def attach(
        self, element: FrameSink[_Frame] | str | PathLike[str] | None = None
    ) -> FrameSink[_Frame]:
        """Show this track somewhere, and return where; attaching twice is the same as once.

        Args:
            element: A sink; "window" for a window on the desktop; the path of a .webm, .mkv or
                .mp4 file, which is written until `detach` (`await sink.closed()` after it); None
                for a new sink in memory.

        Raises:
            MediaError: There is no display for a window.
            InvalidArgumentError: There is no such sink, or the file cannot be written.
            InvalidStateError: The track is not received.
        """
        if isinstance(element, str | PathLike):
            return self._attach_named(str(element))
        chosen = self._new_sink() if element is None else element
        if not any(one is chosen for one in self._sinks):
            self._pump.add(chosen.show)  # First: it raises when the track is not received.
            self._sinks.append(chosen)
        return chosen

    def detach(
        self, element: FrameSink[_Frame] | str | PathLike[str] | None = None
    ) -> FrameSink[_Frame] | list[FrameSink[_Frame]]:
        """Take a sink off and return it, or take all off and return the list of them.

        Raises:
            InvalidArgumentError: The track is not attached to anything of that name.
        """
        if isinstance(element, str | PathLike):
            element = self._named_sink(str(element))
        if element is not None:
            self._take_off(element)
            return element
        sinks = list(self._sinks)
        for one in sinks:
            self._take_off(one)
        return sinks

    def _attach_named(self, name: str) -> FrameSink[_Frame]:
        known = self._names.get(name)
        if isinstance(known, WindowSink) and not known.is_open:
            self._take_off(known)  # The person closed it, and the program shows it again.
        elif known is not None:
            return known
        sink: FrameSink[_Frame] = open_sink(name, self.kind, self.name)
        try:
            self.attach(sink)
        except BaseException:
            sink.blank()  # It was opened for nothing.
            raise
        self._names[name] = sink
        return sink

    def _named_sink(self, name: str) -> FrameSink[_Frame]:
        if name not in self._names:
            raise InvalidArgumentError(f"The track {self.name!r} is not attached to {name!r}.")
        return self._names[name]

    def _end_frames(self) -> None:
        """Stop handing frames to callbacks and sinks, and finish files: the track has no more."""
        self._pump.stop()
        for sink in self._sinks:
            if isinstance(sink, FileSink):
                sink.blank()

    def _take_off(self, sink: FrameSink[_Frame]) -> None:
        kept = [one for one in self._sinks if one is not sink]
        if len(kept) < len(self._sinks):
            self._sinks[:] = kept
            self._names = {name: one for name, one in self._names.items() if one is not sink}
            self._pump.remove(sink.show)
            sink.blank()

    @abstractmethod
    def _open_feed(self, mode: FrameMode, maximum: int) -> FrameFeed[_Frame]:
        """Open a reader."""

    @abstractmethod
    def _new_sink(self) -> FrameSink[_Frame]:
        """Make a sink of the fitting kind."""

    def _saw(self, frame: _Frame) -> None:
        """Note a frame that some reader got."""
        self._start()

    def _start(self) -> None:
        """Note that there was a first frame."""
        if not self._is_started:
            self._is_started = True
            self._happen(TrackEvent.STARTED)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    isEnabled = is_enabled
    isStarted = is_started
    mediaStreamTrack = media_stream_track
    onFrame = on_frame
    processedTrack = processed_track


class AudioTrack(MediaTrack[AudioFrame]):
    """A track of sound: int16 samples, see `acs_core.media.frames.AudioFrame`."""

    DEFAULT_MODE: ClassVar[FrameMode] = "queue"
    DEFAULT_QUEUE: ClassVar[int] = 10

    @property
    def kind(self) -> Literal["audio"]:
        """Always "audio"."""
        return "audio"

    def _new_sink(self) -> FrameSink[AudioFrame]:
        return AudioSink()


class VideoTrack(MediaTrack[VideoFrame]):
    """A track of pictures, see `acs_core.media.frames.VideoFrame`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset({TrackEvent.DIMENSIONS_CHANGED})

    def __init__(self, name: str, tasks: TaskOwner | None = None) -> None:
        super().__init__(name, tasks)
        self._dimensions = Dimensions()
        self._run: ProcessorRun | None = None

    @property
    def kind(self) -> Literal["video"]:
        """Always "video"."""
        return "video"

    @property
    def dimensions(self) -> Dimensions:
        """Size of the newest frame that was seen."""
        return self._dimensions

    @property
    def processor(self) -> object | None:
        """What its frames go through; None without one."""
        return None if self._run is None else self._run.processor

    def add_processor(
        self,
        processor: object,
        options: OptionBag | None = None,
        **keywords: Unpack[AddProcessorKeywords],
    ) -> Self:
        """Send frames through a processor from the next one on, to whoever reads or receives them.

        Args:
            processor: Has `processFrame(inputFrameBuffer, outputFrameBuffer)` or `process_frame`;
                see `twilio_compat.video_processor`. `remove_processor` does not close it.
            options: `{"inputFrameBufferType": ..., "outputFrameBufferContextType": ...}`.
            **keywords: The same in snake_case.

        Raises:
            TypeError: It has no such method; an option of the wrong type.
            ValueError: An option has none of its values.
            InvalidStateError: The track has a processor.
        """
        run = ProcessorRun(processor, read_processor_options(options, keywords))
        if self._run is not None:
            raise InvalidStateError(
                f"The track {self.name!r} has a processor already.",
                next_step="Remove it first.",
            )
        self._run = run
        self._processor_changed()
        return self

    def remove_processor(self, processor: object) -> Self:
        """Show frames as they are again.

        Raises:
            InvalidStateError: The track has no processor, or another one.
        """
        if self._run is None or self._run.processor is not processor:
            which = "no" if self._run is None else "another"
            raise InvalidStateError(
                f"The track {self.name!r} has {which} processor.",
                next_step="Give the one that was added; it is `track.processor`.",
            )
        self._run = None
        self._processor_changed()
        return self

    @abstractmethod
    def _processor_changed(self) -> None:
        """Go on with `_run`."""

    def _new_sink(self) -> FrameSink[VideoFrame]:
        return FrameSurface()

    def _saw(self, frame: VideoFrame) -> None:
        self._saw_size(frame.width, frame.height)

    def _saw_size(self, width: int, height: int) -> None:
        """Note the size of a frame, and that there was one."""
        # Twilio tells the dimensions before "started", and again with each change.
        if (width, height) != (self._dimensions.width, self._dimensions.height):
            self._dimensions.width, self._dimensions.height = width, height
            self._happen(TrackEvent.DIMENSIONS_CHANGED)
        self._start()

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    addProcessor = add_processor
    removeProcessor = remove_processor


def new_track_id() -> str:
    """A random id of a local track; it is not its SID, which it gets when published."""
    return str(uuid.uuid4())
