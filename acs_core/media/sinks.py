"""Where received pictures go when a program or a person looks: a surface, and picture files.

The recorder is in `recorder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import final

import numpy as np

from acs_core.errors import InvalidArgumentError
from acs_core.media.frames import Picture, VideoFrame, save_rgb
from acs_core.media.scaling import ScalingMode, scale

__all__ = ["FrameSurface", "save_picture"]


@final
class FrameSurface:
    """A view of video in memory: it holds the newest frame and shows it in its own shape.

    This stands where a browser has a DOM node (`VideoStreamRendererView.target`). Showing a
    frame is cheap; the picture is made when somebody asks for it, once per frame.

    Args:
        width: Width of the view in pixels, with `height`; by default that of each frame.
        height: Height of the view in pixels.
        scaling_mode: How a frame is laid into the view.
        is_mirrored: Show left and right turned around.

    Attributes:
        frame_count: Frames shown so far.
    """

    def __init__(
        self,
        width: int | None = None,
        height: int | None = None,
        *,
        scaling_mode: ScalingMode = ScalingMode.STRETCH,
        is_mirrored: bool = False,
    ) -> None:
        has_size = width is not None and height is not None and width > 0 and height > 0
        if not has_size and (width, height) != (None, None):
            raise InvalidArgumentError(f"A view of {width}x{height} is none.")
        self._view = (width, height) if width is not None and height is not None else None
        self._scaling_mode = scaling_mode
        self._is_mirrored = is_mirrored
        self._frame: VideoFrame | None = None
        self._picture: Picture | None = None
        self._size = (0, 0)
        self.frame_count = 0

    @property
    def frame(self) -> VideoFrame | None:
        """The newest frame as it came; None when the view is blank."""
        return self._frame

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the view; (0, 0) when it follows the frames and none came yet."""
        return self._view or self._size

    @property
    def scaling_mode(self) -> ScalingMode:
        """How frames are laid into the view; takes effect at once."""
        return self._scaling_mode

    @scaling_mode.setter
    def scaling_mode(self, mode: ScalingMode) -> None:
        self._scaling_mode = mode
        self._picture = None

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are turned around; takes effect at once."""
        return self._is_mirrored

    @is_mirrored.setter
    def is_mirrored(self, value: bool) -> None:
        self._is_mirrored = value
        self._picture = None

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to show."""
        return self._frame is None

    @property
    def image(self) -> Picture:
        """What the view shows, ``(height, width, 3)`` uint8 RGB; black when it is blank.

        The array stays the same until the next frame or change; do not write into it.
        """
        if self._picture is None:
            self._picture = self._render()
        return self._picture

    def show(self, frame: VideoFrame) -> None:
        """Show a frame in place of the last one."""
        self._frame = frame
        self._size = (frame.width, frame.height)
        self._picture = None
        self.frame_count += 1

    def blank(self) -> None:
        """Show nothing, as after the sender stopped; the size stays."""
        self._frame = None
        self._picture = None

    def _render(self) -> Picture:
        width, height = self.size
        if self._frame is None:
            picture: Picture = np.zeros((height, width, 3), dtype=np.uint8)
        else:
            source = self._frame.to_rgb()
            picture = scale(source, width, height, self._scaling_mode, is_mirrored=self.is_mirrored)
        picture.flags.writeable = False
        return picture


def save_picture(source: FrameSurface | VideoFrame | Picture, path: str | Path) -> None:
    """Write what a surface shows, a frame or an RGB array as a png or jpg file; blocks.

    Raises:
        InvalidArgumentError: The suffix is neither png nor jpg, or there is no pixel to save.
        MediaError: The file cannot be written.
    """
    if isinstance(source, VideoFrame):
        source.save(path)
    else:
        save_rgb(source.image if isinstance(source, FrameSurface) else source, path)
