"""The contact sheet: what everybody saw, at two moments, and heard, as one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from acs_core.media.frames import Picture, VideoFrame
from twilio_compat.demo.watch import AUDIBLE, Loudness, Watch

__all__ = ["contact_sheet", "write_text"]

TILE: Final = (304, 171)
GAP: Final = 8
STRIP: Final = 40
TITLE: Final = 22
BAR: Final = 3
PAPER: Final = (24, 26, 31)
INK: Final = (232, 234, 237)
PALE: Final = (70, 75, 84)
VOICE: Final = (94, 196, 142)

_GLYPHS: Final = (
    " 00000000000000 A0e11111f111111 B1e11111e11111e C0e11101010110e D1e11111111111e"
    " E1f10101e10101f F1f10101e101010 G0e11101713110f H1111111f111111 I0e04040404040e"
    " J0702020202120c K11121418141211 L1010101010101f M111b1515111111 N11191513111111"
    " O0e11111111110e P1e11111e101010 Q0e11111115120d R1e11111e141211 S0f10100e01011e"
    " T1f040404040404 U1111111111110e V11111111110a04 W1111111515150a X11110a040a1111"
    " Y11110a04040404 Z1f01020408101f 00e11131519110e 1040c040404040e 20e11010204081f"
    " 30e11010601110e 402060a121f0202 51f101e0101110e 60608101e11110e 71f010204080808"
    " 80e11110e11110e 90e11110f01020c .000000000c0c00 -0000001f000000 :00040000040000"
)
"""Five by seven dots each: a character, then seven rows of two hex digits."""


def _read_glyphs() -> Mapping[str, Picture]:
    glyphs = {}
    for start in range(0, len(_GLYPHS), 16):
        rows = bytes.fromhex(_GLYPHS[start + 1 : start + 15])
        dots = [[row >> (4 - bit) & 1 for bit in range(5)] for row in rows]
        glyphs[_GLYPHS[start]] = np.array(dots, dtype=np.uint8)
    return glyphs


GLYPHS: Final = _read_glyphs()


def write_text(
    picture: Picture, text: str, left: int, top: int, *, size: int = 2, color: Sequence[int] = INK
) -> None:
    """Write capital letters and digits into an RGB picture; what has no glyph is left out."""
    for character in text.upper():
        glyph = GLYPHS.get(character)
        if glyph is not None:
            big = glyph.repeat(size, axis=0).repeat(size, axis=1).astype(bool)
            area = picture[top : top + big.shape[0], left : left + big.shape[1]]
            area[big[: area.shape[0], : area.shape[1]]] = color
        left += 6 * size


def contact_sheet(watches: Iterable[Watch], *, start: float, end: float) -> Picture:
    """Draw a row per viewer and, in it, a block per sender: two pictures and the sound below.

    Args:
        watches: In rows by viewer.
        start: Where the sound strips begin, in seconds of the trace.
        end: Where they end.

    Returns:
        ``(height, width, 3)`` uint8 RGB.
    """
    rows: dict[str, list[Picture]] = {}
    for watch in watches:
        rows.setdefault(watch.viewer, []).append(_block(watch, start, end))
    drawn = [np.hstack(blocks) for blocks in rows.values()]
    sheet = np.vstack([_caption(drawn[0].shape[1]), *drawn])
    return _framed(sheet)


def _caption(width: int) -> Picture:
    caption = _paper(width, 40)
    write_text(caption, "who saw and heard whom", 0, 8, size=3)
    return caption


def _block(watch: Watch, start: float, end: float) -> Picture:
    width, height = 2 * TILE[0] + GAP, TITLE + TILE[1] + GAP + STRIP
    block = _paper(width + 2 * GAP, height + 2 * GAP)
    write_text(block, f"{watch.viewer} sees {watch.sender}", 0, 2)
    for number, shot in enumerate(watch.shots[:2]):
        left = number * (TILE[0] + GAP)
        block[TITLE : TITLE + TILE[1], left : left + TILE[0]] = _tile(shot.frame)
        note = f"{shot.time - start:.1f} s"
        write_text(block, note, left + TILE[0] - 12 * len(note), 2, color=(154, 160, 170))
    top = TITLE + TILE[1] + GAP
    block[top : top + STRIP, :width] = _sound(watch.sounds, width, start, end)
    return block


def _tile(frame: VideoFrame) -> Picture:
    """Fit a frame into a black tile."""
    width, height = TILE
    canvas: Picture = np.zeros((height, width, 3), dtype=np.uint8)
    scale = min(width / frame.width, height / frame.height)
    inner = (max(2, round(frame.width * scale)), max(2, round(frame.height * scale)))
    small = frame.av_frame.reformat(width=inner[0], height=inner[1], format="rgb24")
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = small.to_ndarray()
    return canvas


def _sound(sounds: Sequence[Loudness], width: int, start: float, end: float) -> Picture:
    """The loudest level of each column, as a bar around the middle."""
    strip = _paper(width, STRIP)
    loudest = np.full(width, -127.0)
    for sound in sounds:
        column = int((sound.time - start) / (end - start) * width)
        if 0 <= column < width:
            loudest[column] = max(loudest[column], sound.level)
    middle = STRIP // 2
    strip[middle] = PALE
    # A bar is as wide as 20 ms of eight seconds, so that a voice is not a row of needles.
    for column in np.flatnonzero(loudest > AUDIBLE).tolist():
        half = round((loudest[column] - AUDIBLE) / -AUDIBLE * middle * 1.2)
        half = min(middle, half)
        strip[middle - half : middle + half + 1, column : column + BAR] = VOICE
    return strip


def _paper(width: int, height: int) -> Picture:
    paper: Picture = np.empty((height, width, 3), dtype=np.uint8)
    paper[:] = PAPER
    return paper


def _framed(picture: Picture) -> Picture:
    edge = 2 * GAP
    height, width = picture.shape[0] + 2 * edge, picture.shape[1] + 2 * edge
    # Video formats want even sides.
    sheet = _paper(width + width % 2, height + height % 2)
    sheet[edge : edge + picture.shape[0], edge : edge + picture.shape[1]] = picture
    return sheet
