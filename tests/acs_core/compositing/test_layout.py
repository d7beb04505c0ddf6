from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.compositing.layout import (
    Box,
    Grid,
    Region,
    Reuse,
    Shown,
    arrange,
    assign,
    choose_grid,
)

VGA, HD = Box(0, 0, 640, 480), Box(0, 0, 1280, 720)
STRIP, COLUMN = Box(0, 0, 1260, 160), Box(0, 0, 160, 480)


def region(**changes: object) -> Region:
    return Region(video_sources=("*",), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("box", "needed", "changes", "columns", "rows"),
    [
        (VGA, 1, {}, 1, 1),
        (VGA, 2, {}, 2, 1),
        (HD, 2, {}, 2, 1),
        (VGA, 3, {}, 2, 2),
        (VGA, 5, {}, 3, 2),
        (VGA, 9, {}, 3, 3),
        (VGA, 10, {}, 4, 3),
        (STRIP, 4, {}, 4, 1),
        (COLUMN, 4, {}, 1, 4),
        (VGA, 4, {"max_rows": 1}, 4, 1),
        (VGA, 4, {"max_columns": 1}, 1, 4),
        (VGA, 2, {"max_columns": 3, "max_rows": 3}, 2, 1),
        (VGA, 9, {"max_columns": 2, "max_rows": 2}, 2, 2),
        (VGA, 3, {"cells_excluded": (0,)}, 2, 2),
        (VGA, 4, {"cells_excluded": (0,)}, 3, 2),
        (VGA, 1, {"cells_excluded": (5,)}, 1, 1),
        (VGA, 1, {"cells_excluded": (0,), "max_columns": 1, "max_rows": 1}, 1, 1),
    ],
)
def test_the_grid_holds_what_is_needed_with_large_pictures(
    box: Box, needed: int, changes: dict[str, object], columns: int, rows: int
) -> None:
    assert choose_grid(box, needed, region(**changes)) == Grid(columns, rows)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(16, 1280),
    st.integers(16, 1280),
)
def test_cells_cover_their_region_once(columns: int, rows: int, width: int, height: int) -> None:
    box = Box(7, 9, width, height)
    cells = [Grid(columns, rows).cell(number, box) for number in range(columns * rows)]
    assert sum(cell.width * cell.height for cell in cells) == width * height
    for cell in cells:
        assert box.left <= cell.left <= cell.left + cell.width <= box.left + width
        assert box.top <= cell.top <= cell.top + cell.height <= box.top + height


@given(
    st.integers(1, 60),
    st.lists(st.integers(0, 100), max_size=20),
    st.sampled_from([VGA, HD, STRIP, COLUMN]),
)
def test_a_grid_without_limits_holds_everybody(needed: int, excluded: list[int], box: Box) -> None:
    grid = choose_grid(box, needed, region(cells_excluded=tuple(excluded)))
    assert len(set(range(grid.columns * grid.rows)) - set(excluded)) >= needed


SPANS = [(0.0, 10.0), (1.0, 5.0), (2.0, 8.0)]


@pytest.mark.parametrize(
    ("reuse", "expected"),
    [
        # The third one finds no cell, and a cell is used once.
        (Reuse.NONE, [(0, 0, 0.0, 10.0), (1, 1, 1.0, 5.0)]),
        # It waits for the second one's.
        (Reuse.SHOW_OLDEST, [(0, 0, 0.0, 10.0), (1, 1, 1.0, 5.0), (2, 1, 5.0, 8.0)]),
        # It takes the first one's, which gets the second one's.
        (
            Reuse.SHOW_NEWEST,
            [(0, 0, 0.0, 2.0), (0, 1, 5.0, 10.0), (1, 1, 1.0, 5.0), (2, 0, 2.0, 8.0)],
        ),
    ],
)
def test_reuse_says_who_gets_a_cell(
    reuse: Reuse, expected: list[tuple[int, int, float, float]]
) -> None:
    assert sorted(assign(SPANS, [0, 1], reuse)) == expected


def test_a_track_that_ends_when_another_begins_makes_room() -> None:
    spans = [(0.0, 1.0), (1.0, 2.0)]
    assert list(assign(spans, [0], Reuse.SHOW_OLDEST)) == [(0, 0, 0.0, 1.0), (1, 0, 1.0, 2.0)]


def test_a_cell_that_is_not_reused_counts_for_the_grid() -> None:
    spans = [(0.0, 1.0), (1.0, 2.0)]
    shown = arrange((640, 480), [(region(reuse=Reuse.NONE), [0, 1])], spans)
    assert [item.box.left for item in shown] == [0, 320]


times = st.floats(0, 100)
scripts = st.lists(st.tuples(times, times).map(lambda pair: (min(pair), max(pair))), max_size=12)


@given(scripts, st.integers(0, 5), st.sampled_from(Reuse))
def test_no_cell_shows_two_and_nobody_is_in_two_cells(
    spans: list[tuple[float, float]], cells: int, reuse: Reuse
) -> None:
    given_cells = list(assign(spans, range(cells), reuse))
    for track, cell, start, end in given_cells:
        assert spans[track][0] <= start < end <= spans[track][1]
        assert cell < cells
    for number, first in enumerate(given_cells):
        for second in given_cells[number + 1 :]:
            if first[0] == second[0] or first[1] == second[1]:
                assert first[3] <= second[2] or second[3] <= first[2]
    if reuse is Reuse.NONE:
        assert len({cell for _, cell, _, _ in given_cells}) == len(given_cells)


@given(scripts, st.integers(1, 5), st.sampled_from([Reuse.SHOW_OLDEST, Reuse.SHOW_NEWEST]))
def test_no_cell_is_empty_while_somebody_waits(
    spans: list[tuple[float, float]], cells: int, reuse: Reuse
) -> None:
    given_cells = list(assign(spans, range(cells), reuse))
    for now in {start for start, end in spans if start < end}:
        here = sum(start <= now < end for start, end in spans)
        seen = sum(start <= now < end for _, _, start, end in given_cells)
        assert seen == min(here, cells)


def test_regions_lie_above_each_other_by_z_and_then_by_order() -> None:
    big = region(z_pos=1)
    small = region(z_pos=-3, x_pos=10, y_pos=20, width=100, height=50)
    rest = region(x_pos=600, y_pos=400)
    shown = arrange((640, 480), [(big, [0]), (small, [0]), (rest, [0])], [(0.0, 1.0)])
    assert shown == [
        Shown(0, 0.0, 1.0, Box(10, 20, 100, 50), 0),
        Shown(0, 0.0, 1.0, Box(600, 400, 40, 80), 1),
        Shown(0, 0.0, 1.0, Box(0, 0, 640, 480), 2),
    ]


def test_a_region_without_tracks_or_room_shows_nothing() -> None:
    spans = [(0.0, 1.0)] * 40
    regions = [(region(), []), (region(width=16, height=480, max_rows=1), list(range(40)))]
    assert arrange((640, 480), regions, spans) == []
