"""The load generator: legs that Python has connected, driven by a loop in C."""

from __future__ import annotations

import asyncio
import ctypes
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pylibsrtp

from acs_core.aiortc_private import session_handle, srtp_ffi, srtp_lib
from acs_core.rtc.packet import Uri, extensions, pack_packet, parse_header
from acs_core.service.sfu.plane.state import open_session
from benchmarks.compiling import compile_library
from benchmarks.leg import Leg

__all__ = ["Generator", "Load", "Measurement", "StreamOut"]

MAX_LATENCIES = 1 << 20
CONTROL_BUFFER = 4096
FIXED_HEADER = 12
"""Bytes before the header extensions, without CSRCs (RFC 3550 section 5.1)."""


class _Load(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        ("seconds", ctypes.c_double),
        ("bursts_per_second", ctypes.c_double),
        ("packets_per_burst", ctypes.c_int),
        ("payload_size", ctypes.c_int),
        ("sample_every", ctypes.c_int),
        ("is_keyframe", ctypes.c_int),
    ]


class _Counts(ctypes.Structure):
    _fields_: ClassVar[list[tuple[str, Any]]] = [
        (name, ctypes.c_uint64)
        for name in ("sent", "received", "sampled", "bad", "rtcp", "other", "latencies")
    ] + [(name, ctypes.c_double) for name in ("cpu_seconds", "seconds", "latest_send")]


@dataclass(frozen=True, slots=True)
class Load:
    """What each publisher sends.

    Attributes:
        seconds: For how long.
        bursts_per_second: Of one publisher; the publishers take turns.
        packets_per_burst: One picture.
        payload_size: Bytes of RTP payload.
        sample_every: One of so many packets per leg is decrypted, compared and timed.
        is_keyframe: Every picture can be begun with.
    """

    seconds: float
    bursts_per_second: float
    packets_per_burst: int = 3
    payload_size: int = 1100
    sample_every: int = 16
    is_keyframe: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What came of a load.

    Attributes:
        sent: Packets that publishers sent.
        received: Packets that subscribers received.
        sampled: Of these: decrypted, and each byte as sent.
        bad: Of these: decrypted, and not as sent.
        latencies: Microseconds from before encryption at the sender to the kernel's time stamp
            at the receiver, of the sampled ones.
        cpu_share: Of the generator's own core.
        seconds: Wall time, with a fraction of a second at the end for what is under way.
        latest_send: Seconds by which the generator itself was late at worst.
    """

    sent: int
    received: int
    sampled: int
    bad: int
    latencies: tuple[float, ...]
    cpu_share: float
    seconds: float
    latest_send: float


@dataclass(frozen=True, slots=True)
class StreamOut:
    """How a publisher sends."""

    ssrc: int
    payload_type: int
    mid: str
    extensions: Mapping[str, int]


class Generator:
    """Takes over legs (`add`), loads them (`run`); `close` before the legs."""

    def __init__(self, folder: Path) -> None:
        """Compile the loop into `folder`."""
        self._library = ctypes.CDLL(str(compile_library("generator", folder)))
        self._library.generator_add.argtypes = [
            ctypes.c_int, ctypes.c_uint32, ctypes.c_uint16, ctypes.c_void_p, ctypes.c_void_p,
            ctypes.c_int, ctypes.c_uint32, ctypes.c_int, ctypes.c_char_p, ctypes.c_int,
            ctypes.c_int,
        ]  # fmt: skip
        self._library.generator_run.argtypes = [
            ctypes.POINTER(_Load), ctypes.POINTER(_Counts), ctypes.c_void_p, ctypes.c_uint64
        ]  # fmt: skip
        self._library.generator_open.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]
        self._legs: list[Leg] = []
        self._sessions: list[pylibsrtp.Session] = []
        self._latencies = (ctypes.c_float * MAX_LATENCIES)()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._theirs = theirs
        self._ours.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._ours.fileno(), self._control_arrived)
        self._library.generator_open(
            _address(srtp_ffi.addressof(srtp_lib, "srtp_protect")),
            _address(srtp_ffi.addressof(srtp_lib, "srtp_unprotect")),
            theirs.fileno(),
        )

    def add(self, leg: Leg, stream: StreamOut | None) -> None:
        """Take over a connected leg; with a stream it publishes, else it receives."""
        assert leg.keys is not None
        leg.hand_over()
        outbound = open_session(leg.keys, is_inbound=False)
        inbound = open_session(leg.keys, is_inbound=True)
        self._sessions += [outbound, inbound]
        head, send_time = (b"", -1) if stream is None else _extension_block(stream)
        number = self._library.generator_add(
            leg.socket.fileno(),
            int.from_bytes(socket.inet_aton(leg.remote[0]), "little"),
            leg.remote[1],
            _address(session_handle(outbound)),
            _address(session_handle(inbound)),
            stream is not None,
            stream.ssrc if stream else 0,
            stream.payload_type if stream else 0,
            head,
            len(head),
            send_time,
        )
        if number != len(self._legs):
            raise RuntimeError("the generator takes no more legs")
        self._legs.append(leg)

    async def run(self, load: Load) -> Measurement:
        """Send and receive for `load.seconds`, in a thread."""
        counts = _Counts()
        given = _Load(
            load.seconds,
            load.bursts_per_second,
            load.packets_per_burst,
            load.payload_size,
            load.sample_every,
            load.is_keyframe,
        )
        failed = await self._loop.run_in_executor(
            None,
            self._library.generator_run,
            ctypes.byref(given),
            ctypes.byref(counts),
            ctypes.addressof(self._latencies),
            MAX_LATENCIES,
        )
        if failed:
            raise ValueError(f"the generator cannot do {load}")
        return Measurement(
            sent=counts.sent,
            received=counts.received,
            sampled=counts.sampled,
            bad=counts.bad,
            latencies=tuple(self._latencies[: counts.latencies]),
            cpu_share=counts.cpu_seconds / counts.seconds,
            seconds=counts.seconds,
            latest_send=counts.latest_send,
        )

    def close(self) -> None:
        """Give the legs back."""
        self._loop.remove_reader(self._ours.fileno())
        self._ours.close()
        self._theirs.close()

    def _control_arrived(self) -> None:
        while True:
            try:
                data = self._ours.recv(CONTROL_BUFFER)
            except BlockingIOError:
                return
            self._legs[int.from_bytes(data[:2])].feed(data[2:])


def _address(pointer: Any) -> int:
    return int(srtp_ffi.cast("uintptr_t", pointer))


def _extension_block(stream: StreamOut) -> tuple[bytes, int]:
    """The header extensions that a client sends, and where in them the send time is, or -1."""
    elements: list[tuple[int, bytes]] = []
    mid, send_time = stream.extensions.get(Uri.MID), stream.extensions.get(Uri.ABS_SEND_TIME)
    if mid is not None:
        elements.append((mid, stream.mid.encode()))
    if send_time is not None:
        elements.append((send_time, bytes(3)))
    packet = pack_packet(
        payload_type=0,
        marker=False,
        sequence_number=0,
        timestamp=0,
        ssrc=0,
        payload=b"",
        extensions=elements,
    )
    place = next(
        (
            element.offset - FIXED_HEADER
            for element in extensions(packet, parse_header(packet))
            if element.id == send_time
        ),
        -1,
    )
    return packet[FIXED_HEADER:], place
