"""A drawn person who moves in front of a still room, and where in the picture the person is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

import numpy as np
import numpy.typing as npt

from acs_core.media.frames import Picture, VideoFrame
from acs_core.media.sources import MediaFrame, MediaSource, Pacer, av_picture

__all__ = ["SHIRT", "WALL", "PersonScene", "PersonSource", "overlap"]

Truth = npt.NDArray[np.bool_]

WALL: Final = (70, 105, 150)
SHIRT: Final = (150, 40, 45)
SKIN: Final = (215, 165, 135)
HAIR: Final = (50, 35, 25)


class PersonScene:
    """Pictures of one person; the n-th is always the same.

    The room has a wall with a slow gradient, a shelf and a window, and everything has the noise
    of a web camera. The person sways to both sides.
    """

    def __init__(
        self, width: int = 320, height: int = 180, *, noise: float = 4.0, sway: float = 0.08
    ) -> None:
        self.width, self.height = width, height
        self._noise, self._sway = noise, sway
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self._y, self._x = (y + 0.5) / height, (x + 0.5) / width
        self._room = self._draw_room()

    def truth(self, number: int) -> Truth:
        """Where the person is in the n-th picture."""
        head, hair, body = self._parts(number)
        return head | hair | body

    def picture(self, number: int) -> Picture:
        """The n-th picture, ``(h, w, 3)`` RGB."""
        return self._draw(number, *self._parts(number))

    def empty(self, number: int) -> Picture:
        """The room without the person."""
        nobody = np.zeros((self.height, self.width), dtype=np.bool_)
        return self._draw(number, nobody, nobody, nobody)

    def _draw(self, number: int, head: Truth, hair: Truth, body: Truth) -> Picture:
        picture = self._room.copy()
        stripes = 12 * np.sin(self._y * 60)[..., None]
        picture[body] = (np.array(SHIRT, dtype=np.float32) + stripes)[body]
        picture[hair] = HAIR
        picture[head] = SKIN
        grain = np.random.default_rng(number).normal(0, self._noise, picture.shape)
        return np.clip(picture + grain, 0, 255).astype(np.uint8)

    def frame(self, number: int, fps: float = 15.0) -> VideoFrame:
        """The n-th picture as a frame."""
        return VideoFrame.from_ndarray(self.picture(number), time=number / fps)

    def _parts(self, number: int) -> tuple[Truth, Truth, Truth]:
        x = self._x - 0.5 - self._sway * np.sin(number / 9)
        y = self._y - 0.01 * np.sin(number / 5)
        head = (x / 0.085) ** 2 + ((y - 0.4) / 0.2) ** 2 < 1
        hair = ((x / 0.095) ** 2 + ((y - 0.36) / 0.2) ** 2 < 1) & ~head
        body = (x / 0.27) ** 2 + ((y - 1.05) / 0.46) ** 2 < 1
        return head, hair, body & ~head & ~hair

    def _draw_room(self) -> npt.NDArray[np.float32]:
        room = np.empty((self.height, self.width, 3), dtype=np.float32)
        room[:] = np.array(WALL, dtype=np.float32) + 30 * (self._x - 0.5)[..., None]
        room[(self._x < 0.2) & (self._y > 0.5)] = (120, 95, 60)
        room[(self._x > 0.75) & (self._y < 0.4)] = (225, 230, 215)
        return room


class PersonSource(MediaSource):
    """A `PersonScene` as a camera; the pictures are drawn before, since drawing takes its time."""

    def __init__(self, scene: PersonScene, fps: float = 15.0) -> None:
        super().__init__("video", "Person")
        self._fps = fps
        # One sway to both sides and back.
        self._pictures = [scene.frame(number).to_ndarray("yuv420p") for number in range(57)]

    async def _frames(self) -> AsyncGenerator[MediaFrame, None]:
        pacer = Pacer()
        number = 0
        while True:
            await pacer.wait(number / self._fps)
            yield av_picture(self._pictures[number % 57], time=number / self._fps)
            number += 1


def overlap(mask: npt.NDArray[np.float32], truth: Truth) -> float:
    """Intersection over union of a mask, stretched over the picture, and the truth."""
    rows = (np.arange(truth.shape[0]) * mask.shape[0]) // truth.shape[0]
    columns = (np.arange(truth.shape[1]) * mask.shape[1]) // truth.shape[1]
    guess = mask[rows[:, None], columns] > 0.5
    return float((guess & truth).sum() / (guess | truth).sum())
