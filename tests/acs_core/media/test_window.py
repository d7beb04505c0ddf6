from __future__ import annotations

import asyncio

import numpy as np
import pytest

from acs_core.errors import MediaError
from acs_core.media.frames import VideoFrame
from acs_core.media.sinks import FrameSurface
from acs_core.media.window import SurfaceWindow
from tests.support.events import until

pytest.importorskip("tkinter", reason="this Python has no tkinter")


async def test_without_a_display_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(MediaError, match="window") as caught:
        SurfaceWindow(FrameSurface())
    assert "DISPLAY" in caught.value.next_step


async def test_a_window_shows_the_newest_picture_until_it_is_closed(display: None) -> None:
    surface = FrameSurface()
    window = SurfaceWindow(surface, title="test")
    assert window.shown == (0, 0)
    for width in (64, 96):
        surface.show(VideoFrame.from_ndarray(np.full((48, width, 3), 200, np.uint8)))
        await until(lambda wanted=width: window.shown == (wanted, 48))
    window.close()
    window.close()
    async with asyncio.timeout(5):
        await window.closed()
    assert window.shown == (0, 0)
