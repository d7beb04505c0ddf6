"""What an SFU reads and changes in VP8 packets: picture ids and sizes; pictures stay closed.

Theory of operation. A consumer whose source was changed must see picture ids and TL0PICIDX go on
by one: a decoder that sees them jump takes the frames between for lost. `PictureTracker` reads the
ids of a source, `PictureContinuity` moves them for one consumer. Nothing is moved until a source
was changed.

The ids sent with a packet depend on the packet and on the change alone, not on what arrived in
between: a packet that is sent again under its number is the same bytes again, as SRTP demands
(RFC 7714 section 8.1: an initialization vector must never be used for two texts).

Source: RFC 7741 section 4.2 (payload descriptor), RFC 6386 section 9.1 (size of a key frame).
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

__all__ = [
    "PictureContinuity",
    "PictureIds",
    "PictureTracker",
    "find_picture_ids",
    "is_frame_start",
    "keyframe_size",
    "widened",
]

ID_LIMIT: Final = 0x8000
"""Picture ids have 15 bits; those written with 7 are unwrapped to as many."""
_SHORT_LIMIT: Final = 0x80
_REMEMBERED: Final = 512
_START_CODE: Final = b"\x9d\x01\x2a"


class _Writable(Protocol):
    """Anything with bytes that can be set: `bytearray`, or C memory."""

    def __setitem__(self, index: int, value: int, /) -> None: ...


class PictureIds(NamedTuple):
    """The ids of one VP8 packet, and where in the packet they are.

    Attributes:
        offset: Of the picture id.
        size: Of the picture id, 1 or 2 bytes.
        picture_id: 0..32767.
        layer_index_offset: Of TL0PICIDX; 0 when there is none.
        layer_index: TL0PICIDX, 0..255.
    """

    offset: int
    size: int
    picture_id: int
    layer_index_offset: int
    layer_index: int


def find_picture_ids(packet: bytes, start: int, end: int) -> PictureIds | None:
    """Find the ids in the payload between `start` and `end`; None when it has no picture id."""
    # X and I, or there is none.
    if end - start < 3 or not packet[start] & 0x80 or not packet[start + 1] & 0x80:
        return None
    offset = start + 2
    size = 2 if packet[offset] & 0x80 else 1
    if offset + size >= end:
        return None
    picture_id = packet[offset]
    if size == 2:
        picture_id = (picture_id & 0x7F) << 8 | packet[offset + 1]
    if not packet[start + 1] & 0x40:
        return PictureIds(offset, size, picture_id, 0, 0)
    index_offset = offset + size
    return PictureIds(offset, size, picture_id, index_offset, packet[index_offset])


def widened(packet: bytes, ids: PictureIds) -> bytes:
    """Write the picture id with 15 bits, which a moved one may need; a byte longer if it had 7."""
    if ids.size == 2:
        return packet
    field = (ids.picture_id | ID_LIMIT).to_bytes(2)
    return packet[: ids.offset] + field + packet[ids.offset + 1 :]


def is_frame_start(packet: bytes, start: int, end: int) -> bool:
    """Whether a payload begins a picture: start of the partition with index 0."""
    return end > start and packet[start] & 0x17 == 0x10


def keyframe_size(packet: bytes, start: int, end: int) -> tuple[int, int] | None:
    """Read width and height, in pixels, from the payload that begins a key frame."""
    position = start + 1
    if not is_frame_start(packet, start, end):
        return None
    if packet[start] & 0x80:
        flags = packet[position] if position < end else 0
        position += 1
        if flags & 0x80:
            position += 2 if position < end and packet[position] & 0x80 else 1
        position += (flags & 0x40 != 0) + (flags & 0x30 != 0)
    # Three bytes of frame tag, three of start code, two of width and scale, two of height.
    if position + 10 > end or packet[position] & 0x01:
        return None
    if packet[position + 3 : position + 6] != _START_CODE:
        return None
    width = (packet[position + 6] | packet[position + 7] << 8) & 0x3FFF
    height = (packet[position + 8] | packet[position + 9] << 8) & 0x3FFF
    return (width, height) if width and height else None


class PictureTracker:
    """Unwraps the picture ids of one source, the same for a packet each time it is asked for.

    Senders that begin with 7 bits and go on with 15 (aiortc) wrap at 15, others at 7: the nearest
    id that ends in these bits is right for both. It is remembered, since the nearest one may be
    another when the packet is to be sent again.
    """

    __slots__ = ("_ids", "_newest", "_numbers")

    def __init__(self) -> None:
        self._newest: int | None = None
        self._numbers = [-1] * _REMEMBERED
        self._ids = [0] * _REMEMBERED

    def find(self, sequence_number: int, packet: bytes, start: int, end: int) -> PictureIds | None:
        """Find the ids of a packet, the picture id unwrapped; None when it has none."""
        ids = find_picture_ids(packet, start, end)
        if ids is None:
            return None
        if ids.size == 1:
            ids = ids._replace(picture_id=self._unwrapped(sequence_number, ids.picture_id))
        if self._newest is None or 0 < (ids.picture_id - self._newest) % ID_LIMIT < ID_LIMIT // 2:
            self._newest = ids.picture_id
        return ids

    def _unwrapped(self, sequence_number: int, short: int) -> int:
        slot = sequence_number % _REMEMBERED
        if self._numbers[slot] != sequence_number:
            newest = short if self._newest is None else self._newest
            half = _SHORT_LIMIT // 2
            distance = (short - newest + half) % _SHORT_LIMIT - half
            self._numbers[slot] = sequence_number
            self._ids[slot] = (newest + distance) % ID_LIMIT
        return self._ids[slot]


class PictureContinuity:
    """The ids that one consumer sees: they go on by one where its source was changed.

    Attributes:
        is_moved: Whether ids differ from the source's, so that `move` must be called.
    """

    __slots__ = ("_index_offset", "_last_id", "_last_index", "_picture_offset", "is_moved")

    def __init__(self) -> None:
        self.is_moved = False
        self._picture_offset = 0
        self._index_offset = 0
        self._last_id: int | None = None
        self._last_index: int | None = None

    def leave(self, newest: PictureIds) -> None:
        """Note the newest ids of the source, as the source wrote them; its last ones so far."""
        self._last_id = newest.picture_id + self._picture_offset
        self._last_index = None
        if newest.layer_index_offset:
            self._last_index = newest.layer_index + self._index_offset

    def begin(self, first: PictureIds | None) -> None:
        """Go on with another source, from the packet with these ids on."""
        self.is_moved = first is not None and self._last_id is not None
        self._picture_offset = self._index_offset = 0
        if first is None or self._last_id is None:
            return
        self._picture_offset = self._last_id + 1 - first.picture_id
        if first.layer_index_offset and self._last_index is not None:
            self._index_offset = self._last_index + 1 - first.layer_index

    def move(self, packet: _Writable, ids: PictureIds) -> None:
        """Write this consumer's ids into a packet that was `widened`."""
        moved = (ids.picture_id + self._picture_offset) % ID_LIMIT
        packet[ids.offset] = 0x80 | moved >> 8
        packet[ids.offset + 1] = moved & 0xFF
        if ids.layer_index_offset:
            index = (ids.layer_index + self._index_offset) & 0xFF
            packet[ids.layer_index_offset + 2 - ids.size] = index
