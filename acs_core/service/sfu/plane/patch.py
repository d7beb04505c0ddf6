"""Pure: what changes in a packet between two connections, in place.

Source: RFC 8285 section 4 (forms of header extensions; id 0 is padding).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, Protocol

from acs_core.rtc.packet import ExtensionElement
from acs_core.service.sfu.plane.messages import Route

__all__ = ["NUMBERS", "set_payload_type", "translate_extensions"]

NUMBERS: Final = struct.Struct("!HII")
"""Sequence number, timestamp and SSRC, which lie together from byte 2 on."""

_ONE_BYTE_PROFILE: Final = 0xBEDE
_MAX_ONE_BYTE_ID: Final = 14


class _Writable(Protocol):
    """Anything with bytes that can be set: `bytearray`, or C memory."""

    def __getitem__(self, index: int, /) -> int: ...

    def __setitem__(self, index: int, value: int, /) -> None: ...


def set_payload_type(packet: _Writable, payload_type: int) -> None:
    """Replace the payload type; the marker bit stays."""
    packet[1] = packet[1] & 0x80 | payload_type


def translate_extensions(
    packet: _Writable,
    profile: int,
    elements: Sequence[ExtensionElement],
    route: Route,
    send_time: int,
) -> None:
    """Give every header extension the id of the other connection, or turn it into padding.

    Args:
        packet: Changed in place; its length stays.
        profile: The 16 bits that tell the one-byte from the two-byte form.
        elements: All extensions of the packet.
        route: Ids of the other connection.
        send_time: Written into abs-send-time: the publisher's clock would mix with the clocks
            of the other publishers, which are measured together at the receiver.
    """
    is_one_byte = profile == _ONE_BYTE_PROFILE
    head_size = 1 if is_one_byte else 2
    for id_, offset, length in elements:
        new_id = route.extensions.get(id_, 0)
        head = offset - head_size
        if new_id == 0 or (is_one_byte and new_id > _MAX_ONE_BYTE_ID):
            for position in range(head, offset + length):
                packet[position] = 0
            continue
        packet[head] = new_id << 4 | packet[head] & 0x0F if is_one_byte else new_id
        if new_id == route.abs_send_time and length == 3:
            packet[offset] = send_time >> 16
            packet[offset + 1] = send_time >> 8 & 0xFF
            packet[offset + 2] = send_time & 0xFF
