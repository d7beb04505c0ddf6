"""Test media that can be recognized after any encoder: drawn, and read back.

Theory of operation: a test picture carries three things that survive a video codec at low rates:
one solid *identity color* that says whose picture it is, a *barcode* that says which frame it is,
and a bright block that moves so that people see motion. A test sound is a sine whose pitch
says whose it is. The readers below need nothing but the decoded array.

The barcode is a strip along the bottom, a sixth of the height, of 24 black or white cells:
``1 0``, sixteen bits of the counter (highest first), four bits of check sum, ``0 1``.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from acs_core.media.frames import Picture, Samples

__all__ = [
    "COUNTER_LIMIT",
    "Color",
    "PatternPainter",
    "dominant_color",
    "dominant_frequency",
    "read_counter",
    "rgb_to_yuv",
    "tone",
]

Color: TypeAlias = tuple[int, int, int]
"""Red, green, blue, each 0 to 255."""

COUNTER_LIMIT: Final = 1 << 16
"""The barcode counts modulo this: 36 minutes at 30 frames per second."""

_CELLS: Final = 24
_STRIP: Final = 6  # The barcode takes 1/6 of the height.
_CERTAINTY: Final = 38  # A cell must be this far from mid-gray to count.
_BLACK: Final = 16
_WHITE: Final = 235


def rgb_to_yuv(color: Color) -> tuple[int, int, int]:
    """Convert a color to studio-range Y, U, V.

    Source: ITU-R BT.601-7 section 2.5, what VP8 (RFC 6386 section 9.2) means by YUV.
    """
    red, green, blue = (component / 255 for component in color)
    luma = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    blue_difference = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    red_difference = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    return round(luma), round(blue_difference), round(red_difference)


class PatternPainter:
    """Draws test pictures of one size and color.

    Args:
        width: Even, at least 96 so that a barcode cell has four pixels.
        height: Even, at least 48.
        color: The identity color.
        counter: Whether to draw the barcode.
    """

    def __init__(self, width: int, height: int, color: Color, *, counter: bool = True) -> None:
        self.width = width
        self.height = height
        self._counter = counter
        luma, blue, red = rgb_to_yuv(color)
        self._strip = height // _STRIP if counter else 0
        self._block = max(8, height // 8)
        self._block_luma = _WHITE if luma < 128 else _BLACK
        base = np.empty((height * 3 // 2, width), dtype=np.uint8)
        base[:height] = luma
        chroma = base[height:].reshape(2, -1)
        chroma[0] = blue
        chroma[1] = red
        if counter:
            # The strip is gray: its chroma is neutral in both planes.
            chroma.reshape(2, height // 2, width // 2)[:, (height - self._strip) // 2 :] = 128
        self._base = base

    def draw(self, number: int) -> Picture:
        """Return frame `number` as a yuv420p array ``(height * 3 / 2, width)``."""
        picture = self._base.copy()
        free = self.height - self._strip
        span = max(1, self.width - self._block)
        # There and back, so that the motion is small from one frame to the next.
        phase = (number * max(2, self.width // 80)) % (2 * span)
        left = phase if phase < span else 2 * span - phase
        top = (free - self._block) // 2
        picture[top : top + self._block, left : left + self._block] = self._block_luma
        if self._counter:
            edges = np.linspace(0, self.width, _CELLS + 1).round().astype(int)
            line = np.repeat(_cells(number % COUNTER_LIMIT), np.diff(edges))
            picture[free : self.height] = line
        return picture


def read_counter(picture: Picture) -> int | None:
    """Read the barcode of a test picture; None when there is no certain one.

    Args:
        picture: uint8, ``(h, w, 3)`` RGB or ``(h, w)`` luma, at any scale.
    """
    gray = picture.mean(axis=2) if picture.ndim == 3 else picture.astype(np.float64)
    height, width = gray.shape
    strip = height // _STRIP
    if strip < 2 or width < _CELLS * 2:
        return None
    # The inner half of the strip and of each cell: edges smear when a codec is short of bits.
    band = gray[height - strip + strip // 4 : max(height - strip // 4, height - strip + 1)]
    edges = np.linspace(0, width, _CELLS + 1)
    quarter = (edges[1] - edges[0]) / 4
    starts = (edges[:-1] + quarter).astype(int)
    ends = np.maximum((edges[1:] - quarter).astype(int), starts + 1)
    levels = np.array([band[:, a:b].mean() for a, b in zip(starts, ends, strict=True)])
    if (np.abs(levels - 128) < _CERTAINTY).any():
        return None
    bits = levels > 128
    number = int(np.dot(bits[2:18], 1 << np.arange(15, -1, -1)))
    return number if np.array_equal(bits, _cells(number) > 128) else None


def dominant_color(picture: Picture) -> Color:
    """Return the color of most of a picture, ``(h, w, 3)`` RGB, barcode strip left out."""
    height = picture.shape[0]
    area = picture[: height - height // _STRIP]
    red, green, blue = np.median(area.reshape(-1, 3), axis=0)
    return int(red), int(green), int(blue)


def tone(start: int, count: int, *, frequency_hz: float, level_dbov: float, rate: int) -> Samples:
    """Return `count` samples ``(count,)`` of a sine, starting at sample number `start`.

    The phase follows from `start`, so consecutive pieces join without a click. The level is
    that of RFC 6464: power relative to a full-scale square wave, hence at most -3.01.
    """
    amplitude = min(32767.0, 32768.0 * 2.0**0.5 * 10.0 ** (level_dbov / 20.0))
    position = np.arange(start, start + count, dtype=np.float64)
    wave: Samples = np.rint(amplitude * np.sin(2 * np.pi * frequency_hz / rate * position)).astype(
        np.int16
    )
    return wave


def dominant_frequency(samples: Samples, rate: int) -> float:
    """Return the strongest frequency of some PCM in Hz; 0.0 for silence.

    Args:
        samples: int16, ``(n,)`` or ``(n, channels)``; 0.1 s or more give 1 Hz or better for a
            steady tone.
        rate: Samples per second.
    """
    mono = samples.astype(np.float64)
    if mono.ndim == 2:
        mono = mono.mean(axis=1)
    if mono.size < 16 or not mono.any():
        return 0.0
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(mono.size)))
    spectrum[0] = 0.0
    peak = int(spectrum.argmax())
    shift = 0.0
    if 0 < peak < spectrum.size - 1:
        # Parabola through three logarithmic bins: the usual sub-bin estimate for a window.
        left, middle, right = np.log(spectrum[peak - 1 : peak + 2] + 1e-12)
        curve = left - 2 * middle + right
        shift = 0.5 * (left - right) / curve if curve < 0 else 0.0
    return float((peak + shift) * rate / mono.size)


def _cells(number: int) -> Picture:
    """Return the luma of the 24 barcode cells of a number below 65536."""
    check = (number ^ number >> 4 ^ number >> 8 ^ number >> 12 ^ 0b1010) & 15
    word = (0b10 << 22) | (number << 6) | (check << 2) | 0b01
    bits = (word >> np.arange(_CELLS - 1, -1, -1)) & 1
    return np.where(bits == 1, _WHITE, _BLACK).astype(np.uint8)
