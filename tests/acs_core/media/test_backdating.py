from __future__ import annotations

import numpy as np

from acs_core.media.backdating import HOLD, Arrived, Backdating
from acs_core.media.frames import AudioFrame, VideoFrame

PICTURE = VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8))


def sound(time: float, captured: float | None = None, clock: str = "c") -> Arrived:
    frame = AudioFrame(np.zeros((960, 1), np.int16), time=time, capture_time=captured)
    return Arrived("a", clock, frame, 100 + time)


def test_frames_before_the_first_report_are_dated_back() -> None:
    backdating = Backdating()
    assert backdating.take(sound(0.0)) == []
    assert backdating.take(sound(0.5)) == []
    ready = backdating.take(sound(1.0, 51.0))
    assert [item.frame.capture_time for item in ready] == [50.0, 50.5, 51.0]
    assert [item.arrival for item in ready] == [100.0, 100.5, 101.0]
    # From then on frames are not held, whatever they know.
    assert len(backdating.take(sound(1.5))) == 1
    assert backdating.flush() == []


def test_a_stream_without_reports_is_let_go() -> None:
    backdating = Backdating()
    assert backdating.take(sound(0.0)) == []
    ready = backdating.take(sound(HOLD))
    assert [item.frame.capture_time for item in ready] == [None, None]
    assert len(backdating.take(sound(HOLD + 0.02))) == 1


def test_pictures_that_wait_are_bounded() -> None:
    backdating = Backdating()
    counts = [len(backdating.take(Arrived("v", "c", PICTURE, 100.0))) for _ in range(75)]
    assert counts == [0] * 74 + [75]


def test_what_has_no_clock_is_never_held_and_the_rest_is_flushed() -> None:
    backdating = Backdating()
    assert len(backdating.take(sound(0.0, clock=""))) == 1
    assert backdating.take(sound(0.0)) == []
    assert len(backdating.flush()) == 1
    assert backdating.flush() == []
