"""Still pictures from files: the backgrounds of `BackgroundReplacement`.

Formats are told by their first bytes, not by a name. Source: the formats that the ACS effects
document names (PNG, JPEG, TIFF, BMP); the signatures are those of RFC 2083 section 3.1,
ITU-T T.81 section B.1.1.3, TIFF 6.0 section 2, and the BITMAPFILEHEADER structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

import av
import av.error
import numpy as np

from acs_core.errors import MediaError, Stage
from acs_core.media.frames import Picture

__all__ = ["MAX_PIXELS", "decode_image"]

MAX_PIXELS: Final = 7680 * 4320
"""Larger pictures are refused before memory is taken for them; 8K UHD."""

_SIGNATURES: Final[Mapping[bytes, str]] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "mjpeg",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"BM": "bmp",
}


def decode_image(data: bytes) -> Picture:
    """Return the picture in a PNG, JPEG, TIFF or BMP file as ``(h, w, 3)`` uint8 RGB.

    Raises:
        MediaError: It is none of these, damaged, or larger than `MAX_PIXELS`.
    """
    codec = next((name for start, name in _SIGNATURES.items() if data.startswith(start)), None)
    if codec is None:
        raise _unreadable("The picture has an unknown format.")
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(codec, "r"))
    decoder.options = {"max_pixels": str(MAX_PIXELS)}
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
        if not frames:
            raise _unreadable("The picture is damaged.")
        return np.ascontiguousarray(frames[0].to_ndarray(format="rgb24"), dtype=np.uint8)
    except (av.error.FFmpegError, ValueError) as error:
        raise _unreadable("The picture cannot be decoded.") from error


def _unreadable(message: str) -> MediaError:
    return MediaError(
        message, code=400, stage=Stage.MEDIA, next_step="Use a PNG, JPEG, TIFF or BMP picture."
    )
