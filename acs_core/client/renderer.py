"""Shows streams: a renderer makes views, and each view keeps a `FrameSurface` up to date.

Where a browser SDK gives a DOM node, `VideoStreamRendererView.target` is a frame surface: the
newest picture as an array, scaled and mirrored as the view says. Showing a remote stream is what
makes it decode; showing a local one previews it without sending it.

Source: `VideoStreamRenderer` of @azure/communication-calling 2.0.0 and the VIEW errors of its
bundle.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable

import av

from acs_core.client.remote_video import RemoteVideoStream
from acs_core.client.streams import LocalVideoStream
from acs_core.errors import InvalidArgumentError, InvalidStateError, MediaError, Stage
from acs_core.events import LocalVideoStreamEvent, RemoteVideoStreamEvent
from acs_core.media.frames import VideoFrame
from acs_core.media.scaling import ScalingMode
from acs_core.media.sinks import FrameSurface
from acs_core.models import CreateViewOptions, StreamSize, VideoDeviceType

__all__ = ["VideoStreamRenderer", "VideoStreamRendererView"]


def _mode(mode: ScalingMode | str) -> ScalingMode:
    try:
        return ScalingMode(mode)
    except ValueError as error:
        raise InvalidArgumentError(
            f"There is no scaling mode {mode!r}.",
            sub_code=43216,
            next_step="Use Stretch, Crop or Fit.",
        ) from error


class VideoStreamRendererView:
    """One view of a stream; made by `VideoStreamRenderer.create_view`."""

    def __init__(
        self,
        target: FrameSurface,
        run: Callable[[FrameSurface], asyncio.Task[None]],
        on_disposed: Callable[[VideoStreamRendererView], None],
    ) -> None:
        self._target = target
        self._run = run
        self._task: asyncio.Task[None] | None = run(target)
        self._on_disposed = on_disposed
        self._is_disposed = False

    @property
    def target(self) -> FrameSurface:
        """The surface with the newest picture; blank before the first and when none come."""
        return self._target

    @property
    def scaling_mode(self) -> ScalingMode:
        """How pictures are laid into the view."""
        return self._target.scaling_mode

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are turned around."""
        return self._target.is_mirrored

    @property
    def mirrored(self) -> bool:
        """Name of `is_mirrored` in 2020, when this class was called `RendererView`."""
        warnings.warn("mirrored is called is_mirrored today.", DeprecationWarning, stacklevel=2)
        return self.is_mirrored

    @property
    def size(self) -> StreamSize:
        """Size of the view in pixels (ours)."""
        return StreamSize(*self._target.size)

    async def update_scaling_mode(self, scaling_mode: ScalingMode | str) -> None:
        """Lay pictures differently, from now on.

        Raises:
            InvalidArgumentError: 400/43216: there is no such mode.
            InvalidStateError: 400/43215: the view is disposed.
        """
        if self._is_disposed:
            raise InvalidStateError("The view is disposed.", code=400, sub_code=43215)
        self._target.scaling_mode = _mode(scaling_mode)

    def dispose(self) -> None:
        """Show nothing more; the target keeps what it shows.

        Raises:
            InvalidStateError: 400/43213: it is disposed already.
        """
        if self._is_disposed:
            raise InvalidStateError("The view is disposed already.", code=400, sub_code=43213)
        self._is_disposed = True
        self.stop()
        self._on_disposed(self)

    def stop(self) -> None:
        """Read no more pictures; the renderer does this when the stream has none."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def restart(self) -> None:
        """Read pictures again; the renderer does this when the stream or its source is back."""
        self.stop()
        if not self._is_disposed:
            self._task = self._run(self._target)


class VideoStreamRenderer:
    """Makes views of one stream."""

    def __init__(self, stream: LocalVideoStream | RemoteVideoStream) -> None:
        """Prepare to show a stream.

        Raises:
            InvalidArgumentError: 400/43218: it is no video stream.
        """
        if not isinstance(stream, LocalVideoStream | RemoteVideoStream):
            raise InvalidArgumentError("A renderer shows a video stream.", sub_code=43218)
        self._stream = stream
        # Views end with the call or the local stream at the latest.
        self._tasks = stream.tasks
        self._running: set[asyncio.Task[None]] = set()
        self._views: list[VideoStreamRendererView] = []
        self._previewed = StreamSize(0, 0)
        self._is_disposed = False

    @property
    def size(self) -> StreamSize:
        """Size of the newest picture of the stream; 0 x 0 before it."""
        if isinstance(self._stream, LocalVideoStream):
            return self._previewed
        return self._stream.size

    async def create_view(
        self, options: CreateViewOptions | None = None
    ) -> VideoStreamRendererView:
        """Show the stream.

        Args:
            options: Scaling and mirroring; local cameras are mirrored by default.

        Raises:
            InvalidStateError: 400/43219: the renderer is disposed; 412/43200: the stream is not
                available; 400/43220: as many are shown as the call allows.
            InvalidArgumentError: 400/43216: there is no such scaling mode.
            SourceUnavailableError: The camera cannot be opened.
        """
        if self._is_disposed:
            raise InvalidStateError("The renderer is disposed.", code=400, sub_code=43219)
        chosen = options or CreateViewOptions()
        mirrored = chosen.is_mirrored
        if mirrored is None:
            mirrored = isinstance(self._stream, LocalVideoStream) and (
                self._stream.source.device_type is VideoDeviceType.USB_CAMERA
            )
        surface = FrameSurface(scaling_mode=_mode(chosen.scaling_mode), is_mirrored=mirrored)
        await self._begin()
        view = VideoStreamRendererView(surface, self._start, self._disposed)
        if not self._views:
            self._listen(is_on=True)
        self._views.append(view)
        return view

    def dispose(self) -> None:
        """Dispose all views.

        Raises:
            InvalidStateError: 400/43210: it is disposed already.
        """
        if self._is_disposed:
            raise InvalidStateError("The renderer is disposed already.", code=400, sub_code=43210)
        self._is_disposed = True
        for view in tuple(self._views):
            view.dispose()

    async def aclose(self) -> None:
        """Dispose, and wait until nothing runs any longer (ours)."""
        if not self._is_disposed:
            self.dispose()
        if self._running:
            await asyncio.wait(self._running)

    # ------------------------------------------------------------ inside

    async def _begin(self) -> None:
        stream = self._stream
        if isinstance(stream, LocalVideoStream):
            await stream.start()
            return
        if not stream.is_available:
            raise InvalidStateError(
                "The stream is not available.",
                sub_code=43200,
                stage=Stage.MEDIA,
                next_step="Wait for isAvailableChanged.",
            )
        stream.views.acquire(stream.media_stream_type)

    def _disposed(self, view: VideoStreamRendererView) -> None:
        self._views.remove(view)
        if isinstance(self._stream, RemoteVideoStream):
            self._stream.views.release(self._stream.media_stream_type)
        if not self._views:
            self._listen(is_on=False)

    def _listen(self, *, is_on: bool) -> None:
        event = RemoteVideoStreamEvent.IS_AVAILABLE_CHANGED
        if isinstance(self._stream, LocalVideoStream):
            local_event = LocalVideoStreamEvent.VIDEO_SOURCE_CHANGED
            change = self._stream.on if is_on else self._stream.off
            change(local_event, self._source_changed)
        else:
            change = self._stream.on if is_on else self._stream.off
            change(event, self._availability_changed)

    def _source_changed(self, stream: LocalVideoStream) -> None:
        for view in self._views:
            view.restart()

    def _availability_changed(self) -> None:
        assert isinstance(self._stream, RemoteVideoStream)
        for view in self._views:
            if self._stream.is_available:
                view.restart()
            else:
                view.stop()
                view.target.blank()

    def _start(self, surface: FrameSurface) -> asyncio.Task[None]:
        if isinstance(self._stream, LocalVideoStream):
            task = self._tasks.start(self._preview(self._stream, surface), "local video view")
        else:
            task = self._tasks.start(_show(self._stream, surface), "remote video view")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _preview(self, stream: LocalVideoStream, surface: FrameSurface) -> None:
        reader = await stream.media_source.open()
        try:
            while True:
                frame = await reader.read()
                if isinstance(frame, av.VideoFrame):
                    self._previewed = StreamSize(frame.width, frame.height)
                    surface.show(VideoFrame(frame))
        except MediaError:
            surface.blank()
        finally:
            reader.close()


async def _show(stream: RemoteVideoStream, surface: FrameSurface) -> None:
    """Show pictures as long as the stream is received, and again when it is again."""
    seen = 0
    while True:
        seen = await stream.publication.next_subscription(seen)
        try:
            frames = stream.frames(mode="latest")
        except InvalidStateError:
            continue
        try:
            async for frame in frames:
                if isinstance(frame, VideoFrame):
                    stream.show_size(StreamSize(frame.width, frame.height))
                    surface.show(frame)
        finally:
            frames.close()
        surface.blank()
