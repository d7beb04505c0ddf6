"""Where which picture is shown, and when: regions, their grids, and who gets a cell. Pure.

Theory of operation. A region is a rectangle of the picture, cut into a grid of cells that hold as
many tracks as the region ever shows at a time. Tracks take cells in the order in which they begin;
`Reuse` says what becomes of cells whose track has ended, and of tracks that find none. The grid is
the one in which pictures of 4:3 come out largest, of equally good ones that with more columns.

Source: Twilio Video, Composition resource, "Specifying Video Layouts"; the choice of the grid's
shape and what happens to tracks that wait for a cell are ours.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

__all__ = ["Box", "Grid", "Region", "Reuse", "Shown", "arrange", "assign", "choose_grid"]

USUAL_ASPECT: Final = 4 / 3
SMALLEST_CELL: Final = 2
"""Pixels; a smaller cell has no color of its own in the usual pixel formats."""


class Reuse(StrEnum):
    """What becomes of cells."""

    NONE = "none"
    """A cell shows one track ever."""
    SHOW_OLDEST = "show_oldest"
    """A cell is free again when its track ends; tracks that find none wait for it."""
    SHOW_NEWEST = "show_newest"
    """The same, but a track that finds none takes the cell of the oldest, which waits then."""


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the picture.

    Attributes:
        video_sources: Labels of the tracks that it shows, with ``*`` for any text.
        video_sources_excluded: Those that it does not show even so.
        x_pos: Left edge, in pixels.
        y_pos: Upper edge.
        z_pos: Regions with larger ones hide others; of equal ones the later hides the earlier.
        width: Pixels; None: as far as the picture goes.
        height: Likewise.
        max_columns: Of the grid; None for as many as it takes.
        max_rows: Likewise.
        cells_excluded: Cells that stay empty, counted from 0 row by row.
        reuse: What becomes of cells.
    """

    video_sources: tuple[str, ...]
    video_sources_excluded: tuple[str, ...] = ()
    x_pos: int = 0
    y_pos: int = 0
    z_pos: int = 0
    width: int | None = None
    height: int | None = None
    max_columns: int | None = None
    max_rows: int | None = None
    cells_excluded: tuple[int, ...] = ()
    reuse: Reuse = Reuse.SHOW_OLDEST


class Box(NamedTuple):
    """A rectangle, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Grid(NamedTuple):
    """Cells of a region, counted from 0 row by row."""

    columns: int
    rows: int

    def cell(self, number: int, region: Box) -> Box:
        """Where a cell is; cells differ by a pixel at most and cover the region."""
        row, column = divmod(number, self.columns)
        left, right = (region.width * side // self.columns for side in (column, column + 1))
        top, bottom = (region.height * side // self.rows for side in (row, row + 1))
        return Box(region.left + left, region.top + top, right - left, bottom - top)


class Shown(NamedTuple):
    """That a track is shown in a cell for a while.

    Attributes:
        track: Its index among the tracks.
        start: Seconds on the tracks' clock.
        end: Likewise.
        box: The cell.
        layer: Larger ones hide others.
    """

    track: int
    start: float
    end: float
    box: Box
    layer: int


_Span = tuple[float, float]


def arrange(
    size: tuple[int, int], regions: Sequence[tuple[Region, Sequence[int]]], spans: Sequence[_Span]
) -> list[Shown]:
    """Decide what is shown.

    Args:
        size: Width and height of the picture.
        regions: Each with the indices of the tracks that it may show.
        spans: From when to when each track is there, in seconds.

    Returns:
        By layer, lowest first.
    """
    shown: list[Shown] = []
    ordered = sorted(regions, key=lambda item: item[0].z_pos)
    for layer, (region, tracks) in enumerate(ordered):
        own = [spans[track] for track in tracks]
        box = _box(region, size)
        is_reused = region.reuse is not Reuse.NONE
        needed = _most_at_once(own) if is_reused else sum(start < end for start, end in own)
        if not needed:
            continue
        grid = choose_grid(box, needed, region)
        cells = _cells(grid, region)
        for number, cell, start, end in assign(own, cells, region.reuse):
            place = grid.cell(cell, box)
            if min(place.width, place.height) >= SMALLEST_CELL:
                shown.append(Shown(tracks[number], start, end, place, layer))
    return shown


def choose_grid(box: Box, needed: int, region: Region) -> Grid:
    """The grid of a region that has to hold so many tracks at once.

    Args:
        box: Where the region is.
        needed: Tracks, at least 1.
        region: Says what the grid may be.
    """
    excluded = sorted(set(region.cells_excluded))
    most_columns = region.max_columns or needed + len(excluded)
    best = Grid(1, 1)
    best_worth = (-1, -1.0, -1)
    for columns in range(1, min(most_columns, needed + len(excluded)) + 1):
        rows = _rows(columns, needed, excluded)
        if region.max_rows is not None:
            rows = min(rows, region.max_rows)
        held = min(needed, _usable(columns * rows, excluded))
        width, height = box.width / columns, box.height / rows
        picture = min(width, height * USUAL_ASPECT)
        worth = (held, round(picture, 6), columns)
        if worth > best_worth:
            best, best_worth = Grid(columns, rows), worth
    return best


def assign(
    spans: Sequence[_Span], cells: Iterable[int], reuse: Reuse
) -> Iterator[tuple[int, int, float, float]]:
    """Give cells to tracks; yields track, cell, and from when to when.

    Args:
        spans: From when to when each track is there; those of no length get no cell.
        cells: The free ones; the lowest is given first.
        reuse: What becomes of cells and of tracks that find none.
    """
    free = sorted(cells)
    showing: dict[int, tuple[int, float]] = {}
    waiting: list[int] = []

    def age(track: int) -> tuple[float, int]:
        return spans[track][0], track

    for time, events in groupby(_events(spans), key=itemgetter(0)):
        for _, is_start, track in events:
            if is_start:
                waiting.append(track)
            elif track in showing:
                cell, since = showing.pop(track)
                yield track, cell, since, time
                if reuse is not Reuse.NONE:
                    heapq.heappush(free, cell)
            else:
                waiting.remove(track)
        waiting.sort(key=age)
        while waiting and free:
            track = waiting.pop(-1 if reuse is Reuse.SHOW_NEWEST else 0)
            showing[track] = (heapq.heappop(free), time)
        while waiting and showing and reuse is Reuse.SHOW_NEWEST:
            oldest = min(showing, key=age)
            if spans[oldest][0] >= spans[waiting[-1]][0]:
                break
            cell, since = showing.pop(oldest)
            yield oldest, cell, since, time
            showing[waiting.pop()] = (cell, time)
            waiting.append(oldest)
            waiting.sort(key=age)


def _events(spans: Sequence[_Span]) -> list[tuple[float, bool, int]]:
    """Starts and ends in order; what ends makes room for what starts at that time."""
    events = [
        (time, is_start, track)
        for track, (start, end) in enumerate(spans)
        if start < end
        for time, is_start in ((start, True), (end, False))
    ]
    return sorted(events)


def _most_at_once(spans: Sequence[_Span]) -> int:
    most = now = 0
    for _, is_start, _ in _events(spans):
        now += 1 if is_start else -1
        most = max(most, now)
    return most


def _box(region: Region, size: tuple[int, int]) -> Box:
    width = size[0] - region.x_pos if region.width is None else region.width
    height = size[1] - region.y_pos if region.height is None else region.height
    return Box(region.x_pos, region.y_pos, width, height)


def _cells(grid: Grid, region: Region) -> list[int]:
    excluded = set(region.cells_excluded)
    return [cell for cell in range(grid.columns * grid.rows) if cell not in excluded]


def _usable(cells: int, excluded: Sequence[int]) -> int:
    return cells - bisect_left(excluded, cells)


def _rows(columns: int, needed: int, excluded: Sequence[int]) -> int:
    """Rows that it takes; excluded cells below these do not count."""
    rows = -(-needed // columns)
    while _usable(columns * rows, excluded) < needed:
        rows += 1
    return rows
