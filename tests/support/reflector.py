"""The least service that the client's connections can talk to: what comes in goes out again.

It stands on the real port, DTLS and negotiation of the service, so that ICE, keys and SDP are
those of the product; only the forwarding is a few lines.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable

import pylibsrtp

from acs_core.rtc.dtls import DataChannel, DtlsEndpoint
from acs_core.rtc.feedback import (
    Nack,
    PictureLossIndication,
    ReceiverReport,
    Remb,
    RtcpPacket,
    SenderReport,
)
from acs_core.rtc.packet import extensions, pack_packet, parse_header
from acs_core.rtc.reception import ReceptionStats
from acs_core.rtc.sdp import LocalTransport
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.changes import (
    Change,
    DataSection,
    RemoteIce,
    SsrcPolicy,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
)
from acs_core.service.sfu.negotiation import Negotiation
from acs_core.service.sfu.port import UdpPort

PROFILES = {
    SrtpProfile.GCM_128: pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    SrtpProfile.CM_SHA1_80: pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
}


class Side:
    """The service's end of one connection."""

    def __init__(self, port: UdpPort, on_rtcp: Callable[[list[RtcpPacket]], None]) -> None:
        self.port = port
        self.path = port.open_path(lambda addresses: None)
        self.endpoint = DtlsEndpoint(self.path, role="server", on_rtcp=on_rtcp)
        self.negotiation = Negotiation(
            session_id=secrets.randbits(60),
            ssrc_policy=SsrcPolicy.KEEP,
            always_receive=False,
            new_ssrc=lambda: secrets.randbits(31) + 1,
        )
        self.incoming: pylibsrtp.Session | None = None
        self.connecting: asyncio.Task[SrtpKeys] | None = None
        self.channels: list[DataChannel] = []
        self.endpoint.data.on_channel = self.channels.append

    def local(self, restart: bool) -> LocalTransport:
        candidates = tuple(
            f"1 1 udp {2130706431 - index} {host} {number} typ host"
            for index, (host, number) in enumerate(self.port.advertised)
        )
        credentials = self.path.credentials
        return LocalTransport(
            credentials.ufrag, credentials.password, candidates, self.endpoint.fingerprint
        )

    def apply(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            if isinstance(change, RemoteIce) and self.connecting is None:
                self.connecting = asyncio.create_task(
                    self.endpoint.connect(change.fingerprints, timeout=5)
                )
                self.connecting.add_done_callback(self.connected)
            elif isinstance(change, DataSection):
                self.endpoint.data.start(change.sctp_port, change.max_message_size)

    def connected(self, task: asyncio.Task[SrtpKeys]) -> None:
        if not task.cancelled() and task.exception() is None:
            keys = task.result()
            self.incoming = pylibsrtp.Session(
                pylibsrtp.Policy(
                    key=keys.remote,
                    ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
                    srtp_profile=PROFILES[keys.profile],
                )
            )

    async def close(self) -> None:
        await self.endpoint.close()
        self.path.close()
        if self.connecting is not None:
            self.connecting.cancel()
            await asyncio.wait({self.connecting})


class Reflector:
    """Sends what one client publishes to one that subscribes (usually the same)."""

    def __init__(self, port: UdpPort) -> None:
        self.port = port
        self.publish = Side(port, self.from_publisher)
        self.subscribe = Side(port, self.from_subscriber)
        self.received: dict[str, StreamReceived] = {}
        self.accepted: dict[str, StreamAccepted] = {}
        self.reception: dict[int, ReceptionStats] = {}
        self.reports: list[ReceiverReport] = []
        # One SSRC carries one stream after the other: its numbers must go on (RFC 3711 3.3.1).
        self.numbers: Counter[int] = Counter()
        self.is_mute = False
        port.on_srtp = self.srtp_arrived

    @classmethod
    async def open(cls) -> "Reflector":
        return cls(await UdpPort.open())

    def offer(self, text: str) -> str:
        """Take an offer of the publish connection."""
        accepted = self.publish.negotiation.accept_offer(text, self.publish.local)
        self.publish.apply(accepted.changes)
        for change in accepted.changes:
            if isinstance(change, StreamReceived) and change.mid not in self.received:
                self.received[change.mid] = change
                self.subscribe.negotiation.add_stream(
                    change.mid,
                    change.kind,
                    codecs=tuple(change.codecs.values()),
                    stream_id=change.stream_id,
                    track_id=change.track_id,
                )
            elif isinstance(change, StreamEnded):
                del self.received[change.mid]
                self.subscribe.negotiation.remove_stream(change.mid)
        return accepted.answer

    def create_offer(self) -> str:
        return self.subscribe.negotiation.create_offer(self.subscribe.local)

    def answer(self, text: str) -> None:
        changes = self.subscribe.negotiation.accept_answer(text)
        self.subscribe.apply(changes)
        for change in changes:
            if isinstance(change, StreamAccepted):
                self.accepted[change.key] = change

    def srtp_arrived(self, view: memoryview, address, now: float) -> None:
        session = self.publish.incoming
        if self.is_mute or session is None:
            return
        data = session.unprotect(bytes(view))
        header = parse_header(data)
        for mid, source in self.received.items():
            if header.ssrc != source.layers[0].ssrc or mid not in self.accepted:
                continue
            clock = 48000 if source.kind == "audio" else 90000
            stats = self.reception.setdefault(header.ssrc, ReceptionStats(header.ssrc, clock))
            stats.received(header.sequence_number, header.timestamp, now, len(data))
            target = self.accepted[mid]
            names = {number: uri for uri, number in source.extensions.items()}
            elements = [
                (target.extensions[names[item.id]], data[item.offset : item.offset + item.length])
                for item in extensions(data, header)
                if names.get(item.id) in target.extensions and "sdes:mid" not in names[item.id]
            ]
            self.numbers[target.ssrc] += 1
            self.subscribe.endpoint.send_rtp(
                pack_packet(
                    payload_type=target.payload_types[source.codecs[header.payload_type]],
                    marker=header.marker,
                    sequence_number=self.numbers[target.ssrc] & 0xFFFF,
                    timestamp=header.timestamp,
                    ssrc=target.ssrc,
                    payload=data[header.payload_offset : header.payload_end],
                    extensions=elements,
                )
            )

    def from_publisher(self, packets: list[RtcpPacket]) -> None:
        for packet in packets:
            if isinstance(packet, SenderReport):
                if packet.ssrc in self.reception:
                    self.reception[packet.ssrc].sender_report(packet, self.port.now())
                for mid, source in self.received.items():
                    if source.layers[0].ssrc == packet.ssrc and mid in self.accepted:
                        self.subscribe.endpoint.send_rtcp(
                            [
                                SenderReport(
                                    self.accepted[mid].ssrc,
                                    packet.ntp_timestamp,
                                    packet.rtp_timestamp,
                                    packet.packet_count,
                                    packet.octet_count,
                                )
                            ]
                        )

    def from_subscriber(self, packets: list[RtcpPacket]) -> None:
        for packet in packets:
            if isinstance(packet, ReceiverReport):
                self.reports.append(packet)
            if isinstance(packet, PictureLossIndication | Nack):
                for mid, target in self.accepted.items():
                    if target.ssrc == packet.media_ssrc and mid in self.received:
                        ssrc = self.received[mid].layers[0].ssrc
                        self.publish.endpoint.send_rtcp([PictureLossIndication(1, ssrc)])

    def report(self, bitrate_bps: int) -> None:
        """Send a receiver report and an estimate to the publisher."""
        now = self.port.now()
        blocks = tuple(stats.report_block(now) for stats in self.reception.values())
        self.publish.endpoint.send_rtcp(
            [ReceiverReport(1, blocks), Remb(1, bitrate_bps, tuple(self.reception))]
        )

    async def close(self) -> None:
        await self.publish.close()
        await self.subscribe.close()
        await self.port.close()
