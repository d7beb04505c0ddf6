"""One client's media connection: ICE-lite path, DTLS, negotiation, and its streams in the plane.

Theory of operation. Descriptions go through `Negotiation`; what they change becomes producers
(`IncomingStreams`) and consumers (`OutgoingStreams`). Nothing of that reaches the data plane before
DTLS is connected, then all of it does, in order. What the client says in RTCP is taken by
`ClientFeedback`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from acs_core.core.facts import DataReliability
from acs_core.errors import CallingError, InvalidStateError, Stage
from acs_core.rtc.data import DataChannel
from acs_core.rtc.dtls import DtlsEndpoint
from acs_core.rtc.feedback import ReportBlock, RtcpPacket
from acs_core.rtc.sdp import LocalTransport
from acs_core.service.sfu.changes import (
    Change,
    DataSection,
    RemoteIce,
    SsrcChanged,
    StreamAccepted,
    StreamEnded,
    StreamReceived,
    StreamRefused,
)
from acs_core.service.sfu.client_feedback import ClientFeedback
from acs_core.service.sfu.ice_lite import Address
from acs_core.service.sfu.incoming import IncomingStreams
from acs_core.service.sfu.listeners import StreamIndex, TransportListener
from acs_core.service.sfu.negotiation import Negotiation, SsrcPolicy
from acs_core.service.sfu.outgoing import OutgoingStreams
from acs_core.service.sfu.plane.messages import (
    AddTransport,
    Plane,
    RemoveTransport,
    SetAddresses,
    StreamDetected,
)
from acs_core.service.sfu.port import PathAddresses, UdpPort
from acs_core.service.sfu.producer import Consumer, Producer, ProducerLayer

__all__ = ["MediaTransport", "SfuTimes"]

_log = logging.getLogger(__name__)

STREAM_GROUP: Final = "sfu"
CANDIDATE: Final = "1 1 udp {priority} {host} {port} typ host"


@dataclass(frozen=True, slots=True)
class SfuTimes:
    """Deadlines and intervals in seconds.

    Attributes:
        handshake: For DTLS of one connection, from the first check of the client on.
        silence: After which a connected client counts as not heard.
        tick: Between two looks at lost packets.
        speakers: Between two judgements of who speaks.
        reports: Between two rounds of RTCP reports.
    """

    handshake: float = 15.0
    silence: float = 4.0
    tick: float = 0.02
    speakers: float = 0.1
    reports: float = 0.5


class MediaTransport:
    """One connection of a client; `close` it once."""

    def __init__(
        self,
        *,
        port: UdpPort,
        plane: Plane,
        listener: TransportListener,
        index: StreamIndex,
        ssrc_policy: SsrcPolicy,
        always_receive: bool,
        codec_names: Collection[str] | None,
        times: SfuTimes,
    ) -> None:
        self.id = secrets.token_hex(8)
        self._port = port
        self._plane = plane
        self._listener = listener
        self._index = index
        self._times = times
        self._path = port.open_path(self._addresses_changed)
        self._feedback = ClientFeedback(plane, port.now)
        self._dtls = DtlsEndpoint(self._path, role="server", on_rtcp=self._feedback.take)
        self._dtls.data.on_channel = listener.on_channel
        self._negotiation = Negotiation(
            session_id=secrets.randbits(62),
            ssrc_policy=ssrc_policy,
            always_receive=always_receive,
            new_ssrc=lambda: secrets.randbits(31) + 1,
            codec_names=codec_names,
        )
        self._incoming = IncomingStreams(self, plane, self._feedback, index, port.now)
        self._outgoing = OutgoingStreams(
            self, plane, self._feedback, self._negotiation, port.now, self._tell_unplaced
        )
        self._connecting: asyncio.Task[None] | None = None
        self._is_reached = asyncio.Event()
        self._is_connected = False
        self._is_closed = False
        self._was_silent = False
        self._selected: Address | None = None

    # ------------------------------------------------------------ state

    @property
    def producers(self) -> Mapping[str, Producer]:
        """What the client sends, by its own track id."""
        return self._incoming.by_track

    @property
    def consumers(self) -> Mapping[str, Consumer]:
        """What the client is sent, by the adapter's key."""
        return self._outgoing.by_key

    @property
    def needs_offer(self) -> bool:
        """Whether `create_offer` should be called now."""
        return not self._is_closed and self._negotiation.needs_offer

    @property
    def is_connected(self) -> bool:
        """Whether media can flow."""
        return self._is_connected

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._is_closed

    @property
    def has_failed(self) -> bool:
        """Whether no media will ever flow (again): only another connection helps."""
        return self._dtls.state in ("failed", "closed")

    @property
    def is_silent(self) -> bool:
        """Whether a connected client has not been heard for too long."""
        return self._is_connected and self._path.silent_for() > self._times.silence

    @property
    def downlink_bps(self) -> int | None:
        """What the client says it can receive (REMB); None before it said so."""
        return self._feedback.downlink_bps

    @property
    def received_blocks(self) -> Mapping[int, ReportBlock]:
        """The client's newest report about each SSRC that it is sent."""
        return self._feedback.received_blocks

    def report_heard_at(self, ssrc: int) -> float | None:
        """When the newest report about an SSRC arrived, seconds of the loop's clock."""
        return self._feedback.heard_at(ssrc)

    # ------------------------------------------------------------ descriptions

    def accept_offer(self, text: str) -> str:
        """Take the client's offer and return the answer.

        Raises:
            CallingError: It cannot be read or contradicts what was agreed; nothing changed.
        """
        self._require_open()
        accepted = self._negotiation.accept_offer(text, self._local)
        self._apply(accepted.changes)
        return accepted.answer

    def create_offer(self) -> str:
        """Write an offer with everything that is to be forwarded now."""
        self._require_open()
        return self._negotiation.create_offer(self._local)

    @property
    def awaits_repeat(self) -> bool:
        """Whether the client will soon repeat an offer that crossed ours; let it come first."""
        return self._negotiation.awaits_repeat

    def supersede_offer(self) -> None:
        """The answer to our offer was lost, and an offer follows that shows that there was one."""
        self._negotiation.supersede()

    def accept_answer(self, text: str) -> None:
        """Take the client's answer.

        Raises:
            CallingError: It cannot be read or does not fit the offer; nothing changed.
        """
        self._require_open()
        self._apply(self._negotiation.accept_answer(text))

    def forward(
        self,
        key: str,
        producer: Producer,
        *,
        stream_id: str = STREAM_GROUP,
        track_id: str | None = None,
    ) -> None:
        """Send a producer's stream to the client, from the next exchange on.

        Args:
            key: Names the stream here.
            producer: Where it comes from.
            stream_id: First word of the msid; browsers play the streams that share it in sync.
            track_id: Second word of the msid; the key unless given.
        """
        self._require_open()
        self._outgoing.forward(key, producer, stream_id, track_id or key)

    def client_codecs(self, producer: Producer) -> frozenset[str]:
        """Keys of the codecs of the stream's kind that the client has ever described."""
        return self._negotiation.described_codecs(producer.stream.kind)

    def cannot_take(self, producer: Producer) -> bool:
        """Whether the client's descriptions show that it decodes nothing that the stream is in.

        `forward` would lead to a refusal. What the client says later may change that.
        """
        stream = producer.stream
        return self._negotiation.excludes(stream.kind, frozenset(stream.codecs.values()))

    def switch(self, key: str, producer: Producer) -> bool:
        """Take a stream that is sent already from another producer, without an exchange.

        The client goes on with the same stream: a publisher that comes back on another connection
        ends nobody's pictures.

        Returns:
            Whether that was possible; if not, stop and `forward` it anew.
        """
        return self._outgoing.switch(key, producer)

    def set_forwarding(self, key: str, *, layer: int | None, is_paused: bool) -> None:
        """Choose what is sent of a stream; holds until the next call, whatever happens meanwhile.

        A pause stops packets at once. Another layer begins with its next keyframe, which is asked
        for, and until then the present one goes on. While a layer is not sent by its publisher,
        the best one below takes its place.

        Args:
            key: Of `forward`; one that is not forwarded is ignored.
            layer: 0 is the smallest; None to leave that as it is. Without simulcast meaningless.
            is_paused: Send nothing.
        """
        self._outgoing.set(key, layer=layer, is_paused=is_paused)

    def stop_forwarding(self, key: str) -> None:
        """Send a stream no longer; packets stop at once."""
        self._outgoing.stop(key)

    def want_data(self) -> None:
        """Let the next offer have a data section, also without a channel."""
        self._negotiation.want_data()

    def open_channel(self, label: str, reliability: DataReliability) -> DataChannel:
        """Open a data channel to the client, once the connection can carry one."""
        self._negotiation.want_data()
        return self._dtls.data.open(
            label,
            ordered=reliability.ordered,
            max_retransmits=reliability.max_retransmits,
            max_packet_life_time=reliability.max_packet_life_time_ms,
        )

    # ------------------------------------------------------------ RTCP out

    def send_rtcp(self, packets: list[RtcpPacket]) -> None:
        """Send a compound packet; dropped unless connected."""
        if self._is_connected and not self._is_closed:
            self._dtls.send_rtcp(packets)

    def check_liveness(self) -> None:
        """Tell the owner when the client fell silent or is heard again; called by the engine."""
        if self.is_silent is not self._was_silent:
            self._was_silent = self.is_silent
            self._listener.on_liveness()

    async def close(self) -> None:
        """End the connection and its streams, within 2 s. Closing again does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._negotiation.cancel()
            self._outgoing.stop_all()
            self._incoming.end_all()
            if self._connecting is not None:
                self._connecting.cancel()
                await asyncio.wait({self._connecting})
            self._plane.handle(RemoveTransport(self.id), self._port.now())
            await self._dtls.close()
        finally:
            # Whatever fails above: the port and the engine must not keep a dead connection.
            self._path.close()
            self._index.transport_closed(self)

    # ------------------------------------------------------------ changes

    def _local(self, restart: bool) -> LocalTransport:
        credentials = self._path.rotate() if restart else self._path.credentials
        candidates = tuple(
            CANDIDATE.format(priority=2130706431 - index, host=host, port=number)
            for index, (host, number) in enumerate(self._port.advertised)
        )
        return LocalTransport(
            credentials.ufrag, credentials.password, candidates, self._dtls.fingerprint
        )

    def _apply(self, changes: tuple[Change, ...]) -> None:
        has_new_streams = False
        for change in changes:
            match change:
                case RemoteIce():
                    self._connect(change)
                case StreamReceived():
                    self._incoming.receive(change)
                    has_new_streams = True
                case StreamEnded(mid=mid):
                    self._incoming.end(mid)
                    has_new_streams = True
                case StreamAccepted():
                    self._outgoing.accepted(change)
                case SsrcChanged(key=key, ssrc=ssrc, rtx_ssrc=rtx_ssrc):
                    self._outgoing.renumbered(key, ssrc, rtx_ssrc)
                case StreamRefused(key=key, reason=reason, is_retried=is_retried):
                    _log.debug("stream %s is not received: %s", key, reason)
                    self._outgoing.refused(key)
                    self._listener.on_refused(key, reason, is_retried=is_retried)
                case DataSection(sctp_port=sctp_port, max_message_size=size):
                    self._dtls.data.start(sctp_port, size)
        if has_new_streams:
            self._listener.on_streams()

    def _tell_unplaced(self) -> None:
        if not self._is_closed:
            self._apply(self._negotiation.take_unplaced())

    # ------------------------------------------------------------ plane

    def _connect(self, remote: RemoteIce) -> None:
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._handshake(remote), name="DTLS handshake")

    async def _handshake(self, remote: RemoteIce) -> None:
        # ICE may take a client minutes, an ICE restart included; only `close` ends the wait.
        await self._is_reached.wait()
        try:
            keys = await self._dtls.connect(remote.fingerprints, timeout=self._times.handshake)
        except CallingError as error:
            _log.info("a media connection was not made: %s", error)
            if not self._is_closed:
                self._listener.on_failed()
            return
        self._plane.handle(AddTransport(self.id, keys), self._port.now())
        self._is_connected = True
        self._addresses_changed(self._path.addresses)
        self._incoming.connected()
        self._outgoing.connected()

    def _addresses_changed(self, addresses: PathAddresses) -> None:
        if addresses.selected is not None:
            self._is_reached.set()
        if not self._is_connected:
            return
        command = SetAddresses(self.id, addresses.selected, addresses.accepted)
        self._plane.handle(command, self._port.now())
        before, self._selected = self._selected, addresses.selected
        if before is None or before == addresses.selected:
            return
        # A client that moved has lost packets; pictures must not wait for the next keyframe.
        self._incoming.request_keyframes()
        self._outgoing.request_keyframes()

    def stream_detected(self, detected: StreamDetected) -> None:
        """Take packets of an SSRC that no description told; the engine calls it."""
        self._incoming.detected(detected)

    def layers_changed(self, producer: Producer) -> None:
        """Choose again for everybody what is sent of a stream, since other layers are there."""
        if producer.tap is not None:
            producer.tap.refresh()
        for consumer in producer.consumers.values():
            consumer.transport.start_forwarding(consumer)

    def start_forwarding(self, consumer: Consumer) -> None:
        """Let the plane forward a stream as wanted, once both its connections are ready."""
        self._outgoing.refresh(consumer)

    # ------------------------------------------------------------ keyframes

    def request_keyframe(self, layer: ProducerLayer) -> None:
        """Somebody needs a keyframe of a layer that this client sends."""
        self._incoming.request_keyframe(layer)

    def ask_for_keyframe(self, layer: ProducerLayer) -> None:
        """Ask the client for a keyframe, unless that was just done; the plane may call this."""
        self._incoming.ask_for_keyframe(layer)

    def send_keyframe_request(self, layer: ProducerLayer) -> None:
        """Send a PLI now."""
        self._incoming.send_keyframe_request(layer)

    def _require_open(self) -> None:
        if self._is_closed:
            raise InvalidStateError("The media connection is closed.", stage=Stage.NEGOTIATION)
