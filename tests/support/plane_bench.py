"""A data plane between real sockets: publishers that encrypt, subscribers that decrypt."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence

import pylibsrtp

from acs_core.rtc.packet import (
    Uri,
    pack_packet,
    parse_header,
)
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.plane.engine import ForwardingPlane
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    AddProducer,
    AddTransport,
    Command,
    Event,
    PlaneStats,
    Route,
    SetAddresses,
)
from acs_core.service.sfu.plane.state import open_session

KEY = b"\x10\x02\x00\x00\x9d\x01\x2a"  # VP8: start of a partition, key frame
DELTA = b"\x10\x01\x00\x00"
PUBLISHER = ("192.0.2.1", 4000)
EXTENSIONS: dict[str, int] = {
    Uri.MID: 1,
    Uri.ABS_SEND_TIME: 2,
    Uri.AUDIO_LEVEL: 3,
    Uri.VIDEO_ORIENTATION: 4,
}
ROUTE = Route(
    payload_types={96: 100, 111: 50},
    rtx_payload_types={100: 101},
    extensions={2: 7, 3: 8, 4: 9},
    abs_send_time=7,
)


def keys_of(name: str, profile: SrtpProfile) -> SrtpKeys:
    size = 28 if profile is SrtpProfile.GCM_128 else 30
    return SrtpKeys(
        profile, local=name.encode().ljust(size, b"L"), remote=name.encode().ljust(size, b"R")
    )


def reversed_keys(keys: SrtpKeys) -> SrtpKeys:
    return SrtpKeys(keys.profile, local=keys.remote, remote=keys.local)


class Sockets:
    """Loopback sockets: one the plane sends on, some that subscribers listen on."""

    def __init__(self) -> None:
        self.opened: list[socket.socket] = []
        self.out = self.open()

    def open(self) -> socket.socket:
        result = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        result.bind(("127.0.0.1", 0))
        result.setblocking(False)
        self.opened.append(result)
        return result

    def close(self) -> None:
        for item in self.opened:
            item.close()


def drain(source: socket.socket) -> list[bytes]:
    """Everything that has arrived; loopback delivers within `sendto`."""
    received: list[bytes] = []
    while select.select([source], [], [], 0)[0]:
        received.append(source.recv(4096))
    return received


class Bench:
    """A plane between one or two publishing and some subscribing connections."""

    def __init__(
        self,
        kind: type[ForwardingPlane],
        sockets: Sockets,
        profile: SrtpProfile = SrtpProfile.GCM_128,
    ) -> None:
        self.sockets = sockets
        self.profile = profile
        self.events: list[Event] = []
        self.plane = kind([sockets.out], self.events.append)
        self.now = 0.0
        self.sinks: dict[str, socket.socket] = {}
        self._outbound: dict[str, pylibsrtp.Session] = {}
        self._inbound: dict[str, pylibsrtp.Session] = {}

    def do(self, *commands: Command) -> None:
        for command in commands:
            self.plane.handle(command, self.now)

    def add_publisher(self, name: str = "p", address: tuple[str, int] = PUBLISHER) -> None:
        keys = keys_of(name, self.profile)
        self.do(AddTransport(name, keys), SetAddresses(name, address, frozenset({address})))
        self._outbound[name] = open_session(reversed_keys(keys), is_inbound=False)

    def add_subscriber(self, name: str, sink: socket.socket | None = None) -> None:
        keys = keys_of(name, self.profile)
        self.sinks[name] = sink or self.sockets.open()
        self.do(
            AddTransport(name, keys),
            SetAddresses(name, self.sinks[name].getsockname(), frozenset()),
        )
        self._inbound[name] = open_session(reversed_keys(keys), is_inbound=True)

    def add_video(self, producer: str = "v", ssrc: int = 10, transport: str = "p") -> None:
        self.do(
            AddProducer(
                producer,
                transport,
                ssrc,
                "video",
                90000,
                {96: "VP8"},
                rtx_ssrc=ssrc + 1,
                rtx_payload_types={97: 96},
                extensions=EXTENSIONS,
            )
        )

    def add_audio(self, producer: str = "a", ssrc: int = 30) -> None:
        self.do(
            AddProducer(producer, "p", ssrc, "audio", 48000, {111: "opus"}, extensions=EXTENSIONS)
        )

    def publish(self, packet: bytes, name: str = "p", address: tuple[str, int] = PUBLISHER) -> None:
        self.plane.receive(self._outbound[name].protect(packet), address, self.now)

    def send(
        self,
        number: int,
        payload: bytes = DELTA,
        *,
        ssrc: int = 10,
        payload_type: int = 96,
        timestamp: int | None = None,
        elements: Sequence[tuple[int, bytes]] = (),
    ) -> bytes:
        packet = pack_packet(
            payload_type=payload_type,
            marker=True,
            sequence_number=number & 0xFFFF,
            timestamp=(number * 3000 if timestamp is None else timestamp) & 0xFFFF_FFFF,
            ssrc=ssrc,
            payload=payload,
            extensions=elements,
        )
        self.publish(packet)
        return packet

    def stats(self) -> PlaneStats:
        """Everything that the plane counted."""
        each = [self.plane.connection_stats(name, self.now) for name in self.plane._transports]
        producers = {key: value for item in each for key, value in item.producers.items()}
        consumers = {key: value for item in each for key, value in item.consumers.items()}
        return PlaneStats(producers, consumers, self.plane.dropped)

    def raw(self, name: str) -> list[bytes]:
        return drain(self.sinks[name])

    def received(self, name: str) -> list[bytes]:
        return [self.decrypt(name, data) for data in self.raw(name)]

    def decrypt(self, name: str, data: bytes) -> bytes:
        return self._inbound[name].unprotect(data)

    def numbers(self, name: str) -> list[int]:
        return [parse_header(packet).sequence_number for packet in self.received(name)]

    def take_events(self, kind: type[Event]) -> list[Event]:
        taken = [event for event in self.events if isinstance(event, kind)]
        self.events[:] = [event for event in self.events if not isinstance(event, kind)]
        return taken


def consumer(name: str = "c", **changes: object) -> AddConsumer:
    values: dict[str, object] = {
        "consumer": name,
        "producer": "v",
        "transport": "s",
        "ssrc": 77,
        "route": ROUTE,
        "rtx_ssrc": 78,
    }
    return AddConsumer(**(values | changes))  # type: ignore[arg-type]
