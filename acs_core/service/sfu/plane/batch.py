"""P1, the batch plane: libsrtp in place through cffi, and one `sendmmsg` for all consumers.

Nothing has to be compiled: libsrtp comes with pylibsrtp, `sendmmsg` with the C library. Each
consumer of a producer has a slot of C memory. A packet is patched once per group of consumers
with equal routes, copied into each slot, numbered and encrypted there, and all slots leave with
one system call. `is_available` proves that all this works here; P0 is there where it does not.

Source: sendmmsg(2); struct msghdr of 64 bit Linux as in glibc's bits/types/struct_msghdr.h.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pylibsrtp

from acs_core.aiortc_private import session_handle, srtp_ffi, srtp_lib
from acs_core.rtc.packet import ExtensionElement, RtpHeader, pack_packet
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.plane.engine import ForwardingPlane
from acs_core.service.sfu.plane.messages import EventListener
from acs_core.service.sfu.plane.patch import NUMBERS, set_payload_type, translate_extensions
from acs_core.service.sfu.plane.state import (
    ConsumerState,
    Group,
    ProducerState,
    TransportState,
    open_session,
)
from acs_core.service.sfu.rewrite import StreamRewriter
from acs_core.service.sfu.vp8 import PictureIds, widened

__all__ = ["BatchPlane", "is_available"]

MAX_DATAGRAM: Final = 1500
"""Longer ones pylibsrtp, and with it the portable plane, does not take either."""
SLOT_SIZE: Final = 1536
"""Bytes for a packet and what SRTP appends to it (at most 144, libsrtp's SRTP_MAX_TRAILER_LEN)."""
NAME_SIZE: Final = 32
HEADER_WORDS: Final = 8
"""Eight-byte words of a struct mmsghdr: name, its size, iovec, its count, two for control data,
flags, and the number of bytes sent."""


class _Member(NamedTuple):
    """One consumer and its slot."""

    place: int
    slot: Any  # cffi pointer
    length: Any  # cffi pointer to the lower half of the slot's iov_len
    view: memoryview
    session: object
    rewriter: StreamRewriter
    ssrc: int
    consumer: ConsumerState


class _Run(NamedTuple):
    """Neighboring slots that leave through one socket."""

    descriptor: int
    first: int
    size: int


class _FanOut:
    """Slots and message headers for all consumers of one producer."""

    def __init__(self, producer: ProducerState, descriptors: dict[int, int]) -> None:
        reachable = [
            (group, consumer, address)
            for group in producer.groups
            for consumer in group.consumers
            if (address := consumer.transport.selected) is not None
            and _family(address) in descriptors
        ]
        # One socket after the other; the sort is stable, so groups stay together within one.
        reachable.sort(key=lambda item: _family(item[2]))
        count = max(1, len(reachable))
        self.slots = srtp_ffi.new("unsigned char[]", SLOT_SIZE * count)
        self.vectors = srtp_ffi.new("size_t[]", 2 * count)
        self.names = srtp_ffi.new("unsigned char[]", NAME_SIZE * count)
        self.headers = srtp_ffi.new("size_t[]", HEADER_WORDS * count)
        self.headers_address = _address_of(self.headers)
        self.groups: list[tuple[Group, list[_Member]]] = []
        self.runs: list[_Run] = []
        members: dict[Group, list[_Member]] = {}
        for index, (group, consumer, address) in enumerate(reachable):
            member = self._add(index, consumer, address)
            if group not in members:
                members[group] = []
                self.groups.append((group, members[group]))
            members[group].append(member)
            descriptor = descriptors[_family(address)]
            if self.runs and self.runs[-1].descriptor == descriptor:
                last = self.runs[-1]
                self.runs[-1] = last._replace(size=last.size + 1)
            else:
                self.runs.append(_Run(descriptor, index, 1))

    def _add(self, index: int, consumer: ConsumerState, address: Address) -> _Member:
        slot = self.slots + SLOT_SIZE * index
        name = _socket_name(address)
        srtp_ffi.memmove(self.names + NAME_SIZE * index, name, len(name))
        self.vectors[2 * index] = _address_of(slot)
        header = HEADER_WORDS * index
        self.headers[header] = _address_of(self.names) + NAME_SIZE * index
        self.headers[header + 1] = len(name)
        self.headers[header + 2] = _address_of(self.vectors) + 16 * index
        self.headers[header + 3] = 1
        return _Member(
            index,
            slot,
            srtp_ffi.cast("int *", self.vectors + 2 * index + 1),
            memoryview(srtp_ffi.buffer(slot, SLOT_SIZE)),
            session_handle(consumer.transport.outbound),
            consumer.rewriter,
            consumer.ssrc,
            consumer,
        )


class BatchPlane(ForwardingPlane):
    """For 64 bit Linux; see `Plane`.

    A packet counts as sent when it was handed to `sendmmsg`; what the kernel refuses is counted
    in `PlaneStats.dropped`.
    """

    name = "batch"

    def __init__(self, sockets: Sequence[socket.socket], on_event: EventListener) -> None:
        super().__init__(sockets, on_event)
        self._descriptors = {int(item.family): item.fileno() for item in sockets}
        self._fans: dict[ProducerState, _FanOut] = {}
        self._received = srtp_ffi.new("unsigned char[]", MAX_DATAGRAM)
        self._received_view = memoryview(srtp_ffi.buffer(self._received))
        self._template = srtp_ffi.new("unsigned char[]", SLOT_SIZE)
        self._length = srtp_ffi.new("int *")
        self._send_many = _sendmmsg()

    def _regroup(self, producer: ProducerState) -> None:
        super()._regroup(producer)
        if producer.groups:
            self._fans[producer] = _FanOut(producer, self._descriptors)
        else:
            self._fans.pop(producer, None)

    def _unprotect(self, transport: TransportState, datagram: memoryview | bytes) -> bytes | None:
        size = len(datagram)
        if size > MAX_DATAGRAM:
            return None
        self._received_view[:size] = datagram
        self._length[0] = size
        session = session_handle(transport.inbound)
        if srtp_lib.srtp_unprotect(session, self._received, self._length):
            return None
        return bytes(self._received_view[: self._length[0]])

    def _fan_out(
        self,
        producer: ProducerState,
        header: RtpHeader,
        packet: bytes,
        elements: list[ExtensionElement],
        send_time: int,
        is_newest: bool,
    ) -> None:
        fan = self._fans[producer]
        template = self._template
        left_out: list[int] = []
        for group, members in fan.groups:
            route = group.route
            payload_type = route.payload_types.get(header.payload_type)
            if payload_type is None:
                self._skip([member.consumer for member in members], header.sequence_number)
                left_out += [member.place for member in members]
                continue
            ids = producer.picture_ids(packet, header) if group.is_moved else None
            data = packet if ids is None else widened(packet, ids)
            srtp_ffi.memmove(template, data, len(data))
            set_payload_type(template, payload_type)
            translate_extensions(template, header.extension_profile, elements, route, send_time)
            payload_size = header.payload_end - header.payload_offset + len(data) - len(packet)
            sizes = len(data), payload_size
            self._fill(members, header, sizes, is_newest, ids, left_out)
        for run in fan.runs:
            if left_out:
                for part in _without(run, left_out):
                    self._send_run(fan, part)
            else:
                self._send_run(fan, run)

    def _fill(
        self,
        members: list[_Member],
        header: RtpHeader,
        sizes: tuple[int, int],
        is_newest: bool,
        ids: PictureIds | None,
        left_out: list[int],
    ) -> None:
        """Number and encrypt the template in the slot of each member; `ids` are to be moved.

        This runs for every packet of every consumer: local names, no calls that can be avoided.
        libsrtp writes the new length where `sendmmsg` reads it.
        """
        number, timestamp = header.sequence_number, header.timestamp
        size, payload_size = sizes
        template = self._template
        memmove, protect, pack_into = srtp_ffi.memmove, srtp_lib.srtp_protect, NUMBERS.pack_into
        for place, slot, length, view, session, rewriter, ssrc, consumer in members:
            if is_newest:
                # What `map` would say: the consumer is active, so its rewriter is open, and the
                # packet is newer than the one that opened it.
                sent = (number + rewriter.sequence_offset) & 0xFFFF
                sent_timestamp = (timestamp + rewriter.timestamp_offset) & 0xFFFF_FFFF
            else:
                numbers = rewriter.map(number, timestamp)
                if numbers is None:
                    left_out.append(place)
                    continue
                sent, sent_timestamp = numbers
            memmove(slot, template, size)
            pack_into(view, 2, sent, sent_timestamp, ssrc)
            if ids is not None:
                consumer.pictures.move(view, ids)
            length[0] = size
            if protect(session, slot, length):
                self._dropped["not_encrypted"] += 1
                left_out.append(place)
                continue
            consumer.packets += 1
            consumer.octets += payload_size

    def _send_run(self, fan: _FanOut, run: _Run) -> None:
        done = 0
        while done < run.size:
            headers = fan.headers_address + 8 * HEADER_WORDS * (run.first + done)
            sent = self._send_many(run.descriptor, headers, run.size - done, socket.MSG_DONTWAIT)
            if sent > 0:
                done += sent
            elif ctypes.get_errno() in (errno.EAGAIN, errno.ENOBUFS):
                self._dropped["not_sent"] += run.size - done
                return
            else:
                # The first one cannot be sent: no route, or refused. The others may.
                self._dropped["not_sent"] += 1
                done += 1


def is_available() -> bool:
    """Prove, with one encrypted packet through the loopback device, that this plane works here."""
    # Little-endian: an int at the address of a size_t is its lower half.
    if sys.platform != "linux" or sys.byteorder != "little" or struct.calcsize("P") != 8:
        return False
    key = bytes(range(28))
    keys = SrtpKeys(SrtpProfile.GCM_128, local=key, remote=key)
    packet = pack_packet(
        payload_type=96, marker=False, sequence_number=1, timestamp=2, ssrc=3, payload=b"probe"
    )
    try:
        expected = open_session(keys, is_inbound=False).protect(packet)
        session = open_session(keys, is_inbound=False)
        slot = srtp_ffi.new("unsigned char[]", packet.ljust(SLOT_SIZE, b"\0"))
        length = srtp_ffi.new("int *", len(packet))
        if srtp_lib.srtp_protect(session_handle(session), slot, length):
            return False
        protected = bytes(srtp_ffi.buffer(slot, length[0]))
        return protected == expected and _probe_sending(protected)
    except (AttributeError, OSError, TypeError, pylibsrtp.Error):
        return False


def _probe_sending(data: bytes) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(1.0)
        name = srtp_ffi.new("unsigned char[]", _socket_name(receiver.getsockname()))
        body = srtp_ffi.new("unsigned char[]", data)
        vector = srtp_ffi.new("size_t[]", [_address_of(body), len(data)])
        header = srtp_ffi.new(
            "size_t[]", [_address_of(name), 16, _address_of(vector), 1, 0, 0, 0, 0]
        )
        sent = _sendmmsg()(sender.fileno(), _address_of(header), 1, socket.MSG_DONTWAIT)
        return sent == 1 and receiver.recv(len(data) + 1) == data


def _sendmmsg() -> Any:
    function = ctypes.CDLL(None, use_errno=True).sendmmsg
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
    function.restype = ctypes.c_int
    return function


def _address_of(pointer: Any) -> int:
    return int(srtp_ffi.cast("uintptr_t", pointer))


def _family(address: Address) -> int:
    return int(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)


def _socket_name(address: Address) -> bytes:
    """Return the struct sockaddr_in or sockaddr_in6; the family is in host byte order."""
    family = _family(address)
    packed = socket.inet_pton(family, address[0])
    if family == socket.AF_INET:
        return struct.pack("=H", family) + struct.pack("!H4s8x", address[1], packed)
    return struct.pack("=H", family) + struct.pack("!HI16sI", address[1], 0, packed, 0)


def _without(run: _Run, left_out: Sequence[int]) -> list[_Run]:
    """Cut `run` into the parts between the slots that were not filled."""
    parts: list[_Run] = []
    first = run.first
    end = run.first + run.size
    for index in sorted(i for i in left_out if first <= i < end):
        if index > first:
            parts.append(_Run(run.descriptor, first, index - first))
        first = index + 1
    if end > first:
        parts.append(_Run(run.descriptor, first, end - first))
    return parts
