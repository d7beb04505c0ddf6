"""G.711 sound as linear samples: a look-up for each byte, nothing is lost.

Matroska has no name of its own for these codecs, and players differ in what they take instead.

Source: ITU-T G.711; RFC 3551 section 4.5.14 for what is in the packets.
"""

from __future__ import annotations

import struct
from typing import Final

from acs_core.errors import InvalidArgumentError

__all__ = ["linear_samples"]


def linear_samples(codec_name: str, payload: bytes) -> bytes:
    """Signed 16 bit samples, little-endian, one for each byte of the payload.

    Args:
        codec_name: "PCMU" or "PCMA".
        payload: Of any length.

    Raises:
        InvalidArgumentError: Another codec.
    """
    table = _TABLES.get(codec_name)
    if table is None:
        raise InvalidArgumentError(f"{codec_name} is not G.711.")
    return b"".join([table[byte] for byte in payload])


def _mu_law(byte: int) -> int:
    value = ~byte & 0xFF
    magnitude = (((value & 0x0F) << 3) + 0x84 << (value >> 4 & 0x07)) - 0x84
    return -magnitude if value & 0x80 else magnitude


def _a_law(byte: int) -> int:
    value = byte ^ 0x55
    magnitude, segment = (value & 0x0F) << 4, value >> 4 & 0x07
    magnitude += 0x08 if segment == 0 else 0x108
    if segment > 1:
        magnitude <<= segment - 1
    return magnitude if value & 0x80 else -magnitude


_TABLES: Final = {
    "PCMU": tuple(struct.pack("<h", _mu_law(byte)) for byte in range(256)),
    "PCMA": tuple(struct.pack("<h", _a_law(byte)) for byte in range(256)),
}
