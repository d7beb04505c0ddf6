"""What local audio and video tracks have in common: a source that may be exchanged.

A local track lives on its own: it can be looked at before it is published, and unpublishing does
not stop it. `stop` ends its source for good.

Source: twilio-video.js 2.36, `lib/media/track/local*track.js`.
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    Self,
    TypeVar,
    Unpack,
    final,
)

from acs_core.errors import CallingError, InvalidStateError
from acs_core.media.frames import AudioFrame, VideoFrame
from acs_core.media.sources import (
    MediaFrame,
    MediaKind,
    MediaSource,
    SourceEndedError,
    SourceReader,
)
from twilio_compat.events import TrackEvent
from twilio_compat.frame_pump import FrameFeed, FrameMode
from twilio_compat.media_sources import OpenedSource, open_source
from twilio_compat.options import (
    OptionBag,
    TrackKeywords,
    TrackOptions,
    read_track_options,
)
from twilio_compat.track import MediaTrack, new_track_id

if TYPE_CHECKING:
    from acs_core.client.publications import LocalPublication

__all__ = ["LocalMediaTrack"]

_log = logging.getLogger(__name__)
_Frame = TypeVar("_Frame", bound=VideoFrame | AudioFrame)

CLOSE_GRACE: Final = 5.0
"""Seconds that a driver may take to let go of its device."""

_LOCAL_EVENTS = frozenset({TrackEvent.MUTED, TrackEvent.STOPPED, TrackEvent.UNMUTED})


class LocalMediaTrack(MediaTrack[_Frame], Generic[_Frame]):
    """A local track with frames.

    Args:
        source: Where the frames come from; it now belongs to the track, whose `stop` closes it.
        options: `{"name": ...}`, as in Twilio.
        name: The same as a keyword; random by default.
    """

    EVENTS: ClassVar[frozenset[str]] = _LOCAL_EVENTS
    MEDIA_KIND: ClassVar[MediaKind]

    def __init__(
        self, source: MediaSource, options: OptionBag | None = None, *, name: str | None = None
    ) -> None:
        if not isinstance(source, MediaSource) or source.kind != self.MEDIA_KIND:
            raise TypeError(f"mediaStreamTrack must be a {self.MEDIA_KIND} MediaSource")
        given = {} if name is None else {"name": name}
        self._id = new_track_id()
        super().__init__(read_track_options(options, given).name or self._id)
        self._made_from: TrackOptions | None = None
        self._is_enabled = True
        self._is_stopped = False
        self._is_to_stop = False
        self._restarting = asyncio.Lock()
        self._closing: list[asyncio.Task[None]] = []
        self._loop = _running_loop()
        self._cores: list[LocalPublication] = []
        self._watch: asyncio.Task[None] | None = None
        self._first_reader: SourceReader | None = None
        self._adopt(source)

    @property
    def id(self) -> str:
        """A random id; the SID belongs to the publication."""
        return self._id

    @property
    def is_enabled(self) -> bool:
        """False while it sends nothing on purpose."""
        return self._is_enabled

    @property
    def is_stopped(self) -> bool:
        """True after `stop`, or when the source came to its end."""
        return self._is_stopped

    @property
    def is_muted(self) -> bool:
        """Whether the source is being read and gives no frames, as when the system mutes it.

        A program that writes its own frames is never muted.
        """
        return self._source.is_stalled and not self._is_stopped

    @property
    def is_screen(self) -> bool:
        """Ours: whether it shows a screen; ACS participants then see a screen share."""
        return self._made_from is not None and self._made_from.source == "screen"

    @property
    def media_stream_track(self) -> MediaSource:
        """The source of the frames; where Twilio has a MediaStreamTrack."""
        return self._source

    @property
    def sent_source(self) -> MediaSource:
        """Ours: what is published and shown: the source, and what its frames go through."""
        return self._sent

    def enable(self, enabled: bool = True) -> Self:
        """Send again, or with False stop sending; the publication stays."""
        if enabled is not self._is_enabled:
            self._is_enabled = enabled
            self._happen(TrackEvent.ENABLED if enabled else TrackEvent.DISABLED)
        return self

    def disable(self) -> Self:
        """Stop sending; the publication stays, and others see the track disabled."""
        return self.enable(False)

    def stop(self) -> Self:
        """End the source, for good; the publication stays."""
        self._is_to_stop = True
        if not self._is_stopped:
            self._closing.append(self._tasks.spawn(self._source.close(), f"close {self.name}"))
            self._ended()
        return self

    async def restart(
        self, constraints: OptionBag | None = None, **keywords: Unpack[TrackKeywords]
    ) -> None:
        """Go on with a new source; publications, SIDs and what is attached stay.

        A `stop` that comes meanwhile wins: the track is stopped then, and stays so.

        Args:
            constraints: As for `create_local_video_track`; None for the same ones again.
            **keywords: The same in snake_case.

        Raises:
            TypeError: The track was made by hand from a source.
            SourceUnavailableError: The new source cannot be opened; the track is stopped then,
                and may be restarted again.
        """
        if self._made_from is None:
            raise TypeError("Illegal call to restart: can only be called on a Track created by us")
        options = self._made_from
        if constraints is not None or keywords:
            options = read_track_options(constraints, keywords)
        async with self._restarting:
            await self._restart(options)

    async def closed(self) -> None:
        """Wait until a stopped track has let go of its device (ours); a running one goes on."""
        closing = [task for task in self._closing if not task.done()]
        if closing:
            await asyncio.wait(closing, timeout=CLOSE_GRACE)
        if self._is_stopped:
            await self._tasks.aclose()

    def bind(self, core: LocalPublication) -> None:
        """Follow a publication of this track; for `LocalParticipant`."""
        self._loop = _running_loop() or self._loop
        self._cores.append(core)

    def unbind(self, core: LocalPublication) -> None:
        """Stop following a publication; for `LocalParticipant`."""
        if core in self._cores:
            self._cores.remove(core)

    def made_from(self, options: TrackOptions, opened: OpenedSource) -> Self:
        """Note how the track was made, so that it can be restarted; then see its first frame.

        Args:
            options: What it was made from.
            opened: What became of them; this closes its reader.
        """
        self._made_from = options
        self._loop = _running_loop() or self._loop
        if opened.reader is not None:
            self._first_reader = opened.reader
            self._watch = self._tasks.start(self._see_first(opened.reader), f"first of {self.name}")
        return self

    async def _restart(self, options: TrackOptions) -> None:
        self._is_to_stop = False
        # A device can be opened once, so the old source goes first (as in Twilio).
        await self._source.close()
        self._end_watch()
        try:
            opened = await open_source(self.MEDIA_KIND, options)
        except BaseException:
            if not self._is_stopped:
                self._ended()
            raise
        if self._is_to_stop:
            if opened.reader is not None:
                opened.reader.close()
            await opened.source.close()
            return
        self._is_stopped = self._is_started = False
        self._adopt(opened.source)
        self.made_from(options, opened)
        self._pump.again()
        for core in tuple(self._cores):
            try:
                await core.replace_source(self._sent)
            except CallingError:
                if not self._is_to_stop:
                    raise

    def _adopt(self, source: MediaSource) -> None:
        self._source = source
        self._sent = self._seen_through(source)
        source.on_ended(lambda: self._source_ended(source))
        source.on_failed(lambda _error: self._source_ended(source))
        source.on_stalled(lambda is_stalled: self._source_stalled(source, is_stalled))

    def _seen_through(self, source: MediaSource) -> MediaSource:
        """What the frames of a source go through before they are sent."""
        return source

    def _source_stalled(self, source: MediaSource, is_stalled: bool) -> None:
        if source is self._source and not self._is_stopped:
            self._happen(TrackEvent.MUTED if is_stalled else TrackEvent.UNMUTED)

    def _source_ended(self, source: MediaSource) -> None:
        if source is self._source and not self._is_stopped:
            self._ended()

    def _ended(self) -> None:
        self._is_stopped = True
        self._end_watch()
        self._happen(TrackEvent.STOPPED)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._first_reader is not None:
            # Here too: a task that is cancelled before its first step never closes it.
            self._first_reader.close()
            self._first_reader = None

    async def _see_first(self, reader: SourceReader) -> None:
        try:
            self._saw(self._to_frame(await reader.read(), 0.0))
        except CallingError as error:
            _log.warning("The first frame of %s did not come: %s", self.name, error)
        finally:
            reader.close()

    def _on_loop(self, act: Callable[..., None], *arguments: object) -> None:
        """Call `act` at once on the event loop, and from another thread as soon as it can."""
        if self._loop is None or self._loop is _running_loop():
            act(*arguments)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, *arguments)

    def _open_feed(self, mode: FrameMode, maximum: int) -> FrameFeed[_Frame]:
        # The buffer is that of the source, which drops the oldest: 1 picture, 10 pieces of sound.
        return _LocalFeed(self._sent, self._to_frame)

    @abstractmethod
    def _to_frame(self, frame: MediaFrame, start: float) -> _Frame:
        """Convert what the source delivers; `start` is the time of the reader's first frame."""


@final
class _LocalFeed(Generic[_Frame]):
    """A reader of a source that opens it when the first frame is asked for."""

    def __init__(self, source: MediaSource, convert: Any) -> None:
        self._source = source
        self._convert = convert
        self._reader: SourceReader | None = None
        self._start: float | None = None
        self._is_closed = False

    @property
    def dropped(self) -> int:
        """Frames that the reader lost."""
        return 0 if self._reader is None else self._reader.dropped

    async def __anext__(self) -> _Frame:
        if self._is_closed or (self._reader is None and self._source.is_ended):
            raise StopAsyncIteration
        reader = self._reader
        try:
            if reader is None:
                reader = self._reader = await self._source.open()
                if self._is_closed:  # While the device was opened.
                    reader.close()
            raw = await reader.read()
        except SourceEndedError:
            raise StopAsyncIteration from None
        except InvalidStateError:
            if self._is_closed:
                raise StopAsyncIteration from None
            raise
        time = float(raw.pts or 0) * float(raw.time_base or 0)
        if self._start is None:
            self._start = time
        frame: _Frame = self._convert(raw, time - self._start)
        return frame

    def close(self) -> None:
        """Stop reading."""
        self._is_closed = True
        if self._reader is not None:
            self._reader.close()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # Another thread, or no program with a loop.
        return None
