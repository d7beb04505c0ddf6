from __future__ import annotations

from fractions import Fraction
from typing import cast

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import MediaError
from acs_core.media.effects.images import decode_image

PICTURE = np.zeros((36, 64, 3), dtype=np.uint8)
PICTURE[:, :32] = (200, 40, 40)
PICTURE[:, 32:] = (40, 40, 200)


def encoded(codec: str, pixel_format: str = "rgb24") -> bytes:
    encoder = cast("av.VideoCodecContext", av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height = 64, 36
    encoder.pix_fmt = pixel_format
    encoder.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(PICTURE, format="rgb24")
    full_range = "JPEG" if codec == "mjpeg" else None
    frame = frame.reformat(format=pixel_format, dst_color_range=full_range)
    frame.pts, frame.time_base = 0, encoder.time_base
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


@pytest.mark.feature("BG-009")
@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [("png", "rgb24"), ("mjpeg", "yuvj420p"), ("tiff", "rgb24"), ("bmp", "bgr24")],
)
def test_each_named_format_loads(codec: str, pixel_format: str) -> None:
    picture = decode_image(encoded(codec, pixel_format))
    assert picture.shape == (36, 64, 3)
    assert abs(picture[18, 8].astype(int) - (200, 40, 40)).max() < 12
    assert abs(picture[18, 56].astype(int) - (40, 40, 200)).max() < 12


@pytest.mark.feature("BG-009")
@pytest.mark.parametrize("start", [b"GIF89a", b"RIFF\x00\x00\x00\x00WEBPVP8 ", b"", b"<svg>"])
def test_other_formats_are_refused(start: bytes) -> None:
    with pytest.raises(MediaError, match="unknown format"):
        decode_image(start + bytes(100))


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"BM"]), st.binary())
def test_damage_gives_a_typed_error(start: bytes, rest: bytes) -> None:
    with pytest.raises(MediaError):
        decode_image(start + rest)
