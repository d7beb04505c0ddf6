"""A window on the desktop that shows a frame surface, for people who look."""

from __future__ import annotations

import asyncio
import contextlib
from types import ModuleType
from typing import Any, Final, final

from acs_core.errors import MediaError, Stage
from acs_core.media.sinks import FrameSurface

__all__ = ["SurfaceWindow"]

REFRESH: Final = 1 / 30
"""Seconds; more often than pictures come makes no sense."""


@final
class SurfaceWindow:
    """Shows what a `FrameSurface` holds until it is closed, by the program or by the person.

    It runs on the event loop with Python's tkinter::

        view = await renderer.create_view()
        window = SurfaceWindow(view.target, title="Alice")
        await window.closed()
    """

    def __init__(self, surface: FrameSurface, *, title: str = "video") -> None:
        """Open the window; needs a running event loop.

        Args:
            surface: Its newest picture is shown, at its size.
            title: Of the window.

        Raises:
            MediaError: There is no display, or this Python has no tkinter.
        """
        self._surface = surface
        self._tk, self._root = _open(title)
        self._label: Any = self._tk.Label(self._root, borderwidth=0, background="black")
        self._label.pack()
        self._image: Any = None
        self._shown = -1
        self._is_open = True
        self._root.protocol("WM_DELETE_WINDOW", self.close)
        self._task = asyncio.create_task(self._run(), name="surface window")

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height of the picture on the screen; zeros before the first."""
        return (0, 0) if self._image is None else (self._image.width(), self._image.height())

    @property
    def is_open(self) -> bool:
        """Whether neither the program nor the person has closed it."""
        return self._is_open

    def close(self) -> None:
        """Close the window. Closing again does nothing."""
        self._is_open = False

    async def closed(self) -> None:
        """Wait until the window is closed, also by the person who looks at it."""
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            while self._is_open:
                self._show()
                self._root.update()
                # A refresh rate, not a signal: the window system has no asyncio events.
                await asyncio.sleep(REFRESH)
        finally:
            self._is_open = False
            self._image = None
            with contextlib.suppress(self._tk.TclError):
                self._root.destroy()

    def _show(self) -> None:
        if self._surface.frame_count == self._shown or self._surface.is_blank:
            return
        self._shown = self._surface.frame_count
        picture = self._surface.image
        height, width, _ = picture.shape
        # Netpbm's binary format is what Tk reads without another library.
        data = f"P6 {width} {height} 255\n".encode() + picture.tobytes()
        self._image = self._tk.PhotoImage(master=self._root, data=data, format="PPM")
        self._label.configure(image=self._image)


def _open(title: str) -> tuple[ModuleType, Any]:
    try:
        import tkinter
    except ImportError as error:
        raise MediaError(
            "This Python has no tkinter, which windows need.",
            stage=Stage.MEDIA,
            next_step="Install it (Debian: python3-tk), or read `FrameSurface.image` instead.",
        ) from error
    try:
        return tkinter, tkinter.Tk(className=title)
    except tkinter.TclError as error:
        raise MediaError(
            f"No window can be opened: {error}.",
            stage=Stage.MEDIA,
            next_step="Set DISPLAY, or read `FrameSurface.image` instead.",
        ) from error
