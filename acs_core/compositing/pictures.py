"""The picture of a file at a time: cells, each with the newest picture of its track. Blocks.

A track is opened when it is first shown and closed when it no longer is. Between two pictures of a
track the first one stays, for `HOLD` at most: a track that sends nothing is black then, so that a
frozen face does not look as if somebody were there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import av
import numpy as np

from acs_core.compositing.job import SourceTrack, VideoPart, is_chosen
from acs_core.compositing.layout import Box, Shown, arrange
from acs_core.compositing.reading import TrackReader
from acs_core.media.frames import Picture
from acs_core.media.scaling import ScalingMode, place

__all__ = ["HOLD", "Canvas", "Pictures", "TrackPictures"]

HOLD: Final = 5.0
"""Seconds; screens that do not change are sent once a second at least by browsers."""
BLACK: Final = (16, 128)
"""Luma and chroma. Source: ITU-R BT.601."""


class Canvas:
    """A picture in yuv420p that parts of other pictures are drawn into.

    Attributes:
        array: ``(height * 3 / 2, width)`` uint8; the planes Y, U, V one after the other.
    """

    def __init__(self, width: int, height: int) -> None:
        self.array: Picture = np.empty((height * 3 // 2, width), dtype=np.uint8)
        chroma = self.array[height:].reshape(2, height // 2, width // 2)
        self._planes = (self.array[:height], chroma[0], chroma[1])
        self.clear()

    def clear(self) -> None:
        """Make it black."""
        self._planes[0][:] = BLACK[0]
        for plane in self._planes[1:]:
            plane[:] = BLACK[1]

    def draw(self, planes: Sequence[Picture], left: int, top: int) -> None:
        """Copy a picture to an even place; what does not fit is left out."""
        for number, (plane, part) in enumerate(zip(self._planes, planes, strict=True)):
            x, y = (left, top) if number == 0 else (left // 2, top // 2)
            spot = plane[y : y + part.shape[0], x : x + part.shape[1]]
            spot[:] = part[: spot.shape[0], : spot.shape[1]]


class TrackPictures:
    """The pictures of one track, by time; times only grow.

    Args:
        track: Which.
    """

    def __init__(self, track: SourceTrack) -> None:
        self._start = track.start
        self._reader = TrackReader(track.path, "video")
        self._frames = iter(self._reader)
        self._shown: av.VideoFrame | None = None
        self._shown_at = 0.0
        self._next: av.VideoFrame | None = None
        self._next_at = 0.0
        self._fetch()

    def at(self, time: float) -> av.VideoFrame | None:
        """The picture that is to be seen at a time, or None; the same object while it stays."""
        while self._next is not None and self._next_at <= time:
            self._shown, self._shown_at = self._next, self._next_at
            self._fetch()
        return self._shown if time - self._shown_at <= HOLD else None

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def _fetch(self) -> None:
        time, frame = next(self._frames, (0.0, None))
        self._next = frame if isinstance(frame, av.VideoFrame) else None
        self._next_at = self._start + time


class _Cell:
    """A track in its place, scaled once per picture of it."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self._picture: av.VideoFrame | None = None
        self._planes: tuple[Picture, ...] = ()
        self._spot = (0, 0)

    def show(self, picture: av.VideoFrame | None) -> bool:
        """Take a picture; returns whether it is another one."""
        if picture is self._picture:
            return False
        self._picture = picture
        if picture is not None:
            self._planes, self._spot = _fitted(picture, self.shown.box)
        return True

    def draw(self, canvas: Canvas) -> None:
        """Draw what was taken last."""
        if self._picture is not None:
            canvas.draw(self._planes, *self._spot)


class Pictures:
    """All of a file; `at` with growing times, then `close`.

    Args:
        part: What they look like.
        tracks: All tracks of the job.

    Attributes:
        tracks: Those that are shown at some time, by index.
    """

    def __init__(self, part: VideoPart, tracks: Sequence[SourceTrack]) -> None:
        size = (part.width & ~1, part.height & ~1)
        self._tracks = tracks
        self._plan = arrange(
            size,
            [
                (
                    region,
                    [
                        number
                        for number, track in enumerate(tracks)
                        if track.is_video
                        and is_chosen(
                            track.labels, region.video_sources, region.video_sources_excluded
                        )
                    ],
                )
                for region in part.regions
            ],
            [(track.start, track.end) for track in tracks],
        )
        self.tracks = frozenset(shown.track for shown in self._plan)
        self._last: dict[int, float] = defaultdict(float)
        for shown in self._plan:
            self._last[shown.track] = max(self._last[shown.track], shown.end)
        # By start; those of lower layers are drawn first whatever their start.
        self._coming = sorted(self._plan, key=lambda item: item.start, reverse=True)
        self._cells: list[_Cell] = []
        self._open: dict[int, TrackPictures] = {}
        self._canvas = Canvas(*size)

    def at(self, time: float) -> Picture:
        """The picture at a time, ``(height * 3 / 2, width)`` in yuv420p; valid until the next."""
        is_changed = self._update(time)
        for cell in self._cells:
            is_changed |= cell.show(self._open[cell.shown.track].at(time))
        if is_changed:
            self._canvas.clear()
            for cell in self._cells:
                cell.draw(self._canvas)
        return self._canvas.array

    def close(self) -> None:
        """Close all files."""
        for pictures in self._open.values():
            pictures.close()
        self._open.clear()
        self._cells.clear()

    def _update(self, time: float) -> bool:
        """Let cells come and go; returns whether one did."""
        here = [cell for cell in self._cells if time < cell.shown.end]
        is_changed = len(here) != len(self._cells)
        while self._coming and self._coming[-1].start <= time:
            shown = self._coming.pop()
            if time < shown.end:
                here.append(_Cell(shown))
                is_changed = True
                if shown.track not in self._open:
                    self._open[shown.track] = TrackPictures(self._tracks[shown.track])
        if is_changed:
            self._cells = sorted(here, key=lambda cell: cell.shown.layer)
            for track in [track for track in self._open if self._last[track] <= time]:
                self._open.pop(track).close()
        return is_changed


def _fitted(picture: av.VideoFrame, box: Box) -> tuple[tuple[Picture, ...], tuple[int, int]]:
    """The planes of a picture scaled into a cell, and where they go; all even."""
    spot = place((picture.width, picture.height), (box.width, box.height), ScalingMode.FIT)
    width, height = max(2, spot.width & ~1), max(2, spot.height & ~1)
    scaled = picture.reformat(width=width, height=height, format="yuv420p")
    planes = tuple(
        np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)[
            : plane.height, : plane.width
        ]
        for plane in scaled.planes
    )
    return planes, ((box.left + spot.left) & ~1, (box.top + spot.top) & ~1)
