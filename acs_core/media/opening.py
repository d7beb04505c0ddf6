"""The first packets of a picture stream, kept for a reader that is about to come.

A subscriber gets a key frame at once, but its program begins to read a moment later, and another
key frame would take a round trip and a throttle. So what follows a key frame is kept while nobody
reads, as long as it is little: a decoder catches up with a third of a second without anybody
noticing. After that nothing is kept until the next key frame, so memory stays flat.
"""

from __future__ import annotations

from typing import Final

__all__ = ["StreamOpening"]

MAX_PICTURES: Final = 8
"""Less than a decoder's backlog may hold."""
MAX_BYTES: Final = 256 * 1024


class StreamOpening:
    """Packets from the newest key frame on, or nothing."""

    def __init__(self) -> None:
        self._packets: list[bytes] = []
        self._size = 0
        self._pictures = 0
        self._timestamp: int | None = None

    def add(self, packet: bytes, timestamp: int, *, is_keyframe: bool) -> None:
        """Take the next packet.

        Args:
            packet: All of it.
            timestamp: Its RTP timestamp; packets of one picture share it.
            is_keyframe: Whether a key frame begins here.
        """
        if is_keyframe:
            self.clear()
        elif not self._packets:
            return
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._pictures += 1
        self._packets.append(packet)
        self._size += len(packet)
        if self._pictures > MAX_PICTURES or self._size > MAX_BYTES:
            self.clear()

    def take(self) -> list[bytes]:
        """The packets kept, in order of arrival; they are forgotten."""
        packets = self._packets
        self.clear()
        return packets

    def clear(self) -> None:
        """Forget everything."""
        self._packets = []
        self._size = self._pictures = 0
        self._timestamp = None
