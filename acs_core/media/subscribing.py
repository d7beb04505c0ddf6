"""The connection on which the client receives: the service offers, the client answers."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from acs_core.aiortc_private import RateEstimator
from acs_core.errors import CallingError, InvalidStateError, MalformedPacketError
from acs_core.media.negotiation import ReceivedSection, SubscribeNegotiation
from acs_core.media.peer import MediaPeer, PeerSettings, PeerState
from acs_core.media.receiver import ReceiveEncoding, StreamReceiver
from acs_core.media.stats import PeerStats
from acs_core.rtc.dtls import DataChannel
from acs_core.rtc.feedback import ReceiverReport, Remb, RtcpPacket
from acs_core.rtc.packet import RtpHeader, Uri, extensions, parse_header

__all__ = ["SubscribePeer"]

logger = logging.getLogger(__name__)

REPORT_INTERVAL: Final = 1.0
# RFC 3550 section 6.4.1: a five bit count of blocks.
MAX_BLOCKS: Final = 31


class SubscribePeer(MediaPeer):
    """Receives what the service offers. A section that the service ends, ends its readers."""

    def __init__(
        self,
        *,
        settings: PeerSettings | None = None,
        on_state: Callable[[PeerState, CallingError | None], None] | None = None,
        on_receivers_changed: Callable[[], None] | None = None,
        on_channel: Callable[[DataChannel], None] | None = None,
    ) -> None:
        """Prepare.

        Args:
            settings: See `MediaPeer`.
            on_state: See `MediaPeer`.
            on_receivers_changed: Called when `receivers` is another set than before.
            on_channel: Called with each data channel that the service opens.
        """
        super().__init__(settings=settings, on_state=on_state)
        self._endpoint.data.on_channel = on_channel
        self._on_receivers_changed = on_receivers_changed
        self._negotiation = SubscribeNegotiation(session_id=self._session_id)
        self._sender_ssrc = secrets.randbelow(0xFFFFFFFE) + 1
        self._receivers: dict[str, StreamReceiver] = {}
        self._tracks: dict[str, tuple[str, str]] = {}
        self._by_ssrc: dict[int, StreamReceiver] = {}
        self._estimator = RateEstimator()
        self._available: int | None = None
        self.packets_unknown = 0

    @property
    def receivers(self) -> Mapping[str, StreamReceiver]:
        """The streams that the service sends now, by mid; a live view."""
        return MappingProxyType(self._receivers)

    @property
    def receivers_by_track(self) -> Mapping[str, StreamReceiver]:
        """The same by track id, the second word of the msid."""
        return {self._tracks[mid][1]: item for mid, item in self._receivers.items()}

    async def accept_offer(self, text: str) -> str:
        """Take an offer, start to connect or to receive, and write the answer.

        Raises:
            ProtocolError: The offer cannot be read or has no transport.
            InvalidStateError: The connection has ended.
            TransportError: No socket could be opened.
        """
        accepted = self._negotiation.accept_offer(text, await self._local_transport())
        await self._apply(accepted.sections)
        is_first = self.state is PeerState.NEW
        self._remote_described(accepted.transport, accepted.data)
        if is_first:
            self._own(self._report(), "receiver reports")
        return accepted.answer

    def receiver(self, mid: str) -> StreamReceiver:
        """Give the receiver of a section that the service sends on.

        Raises:
            InvalidStateError: There is no such section, or nothing is sent on it.
        """
        try:
            return self._receivers[mid]
        except KeyError:
            raise InvalidStateError(f"Nothing is received on section {mid}.") from None

    def stats(self) -> PeerStats:
        """Take a snapshot."""
        now = self._loop.time()
        return PeerStats(
            state=self.state,
            silent_for=self._leg.silent_for(now),
            available_bitrate_bps=self._available,
            round_trip=self._leg.round_trip,
            local_candidate_type=self._leg.candidate_types[0],
            remote_candidate_type=self._leg.candidate_types[1],
            has_relay_failed=self._leg.has_relay_failed,
            path=self.path,
            receivers={mid: item.stats(now) for mid, item in self._receivers.items()},
        )

    async def _apply(self, sections: Sequence[ReceivedSection]) -> None:
        """Make the receivers those that the offer describes."""
        wanted = {
            section.mid: (encoding, (section.stream_id, section.track_id))
            for section in sections
            if (encoding := _encoding(section)) is not None
        }
        before = dict(self._receivers)
        for mid, receiver in before.items():
            if mid not in wanted or self._tracks[mid] != wanted[mid][1]:
                # Another track on the section is another stream: its readers must know.
                del self._receivers[mid]
                await receiver.close()
        for mid, (encoding, track) in wanted.items():
            self._tracks[mid] = track
            known = self._receivers.get(mid)
            if known is not None:
                known.reconfigure(encoding)
                continue
            self._receivers[mid] = StreamReceiver(
                self._endpoint, encoding, sender_ssrc=self._sender_ssrc
            )
        self._index()
        if before != self._receivers and self._on_receivers_changed is not None:
            try:
                self._on_receivers_changed()
            except Exception:
                logger.exception("a listener for receivers failed")

    def _index(self) -> None:
        self._by_ssrc = {}
        for receiver in self._receivers.values():
            self._by_ssrc[receiver.encoding.ssrc] = receiver
            if receiver.encoding.rtx_ssrc is not None:
                self._by_ssrc[receiver.encoding.rtx_ssrc] = receiver

    def _stop_streams(self) -> None:
        for receiver in self._receivers.values():
            receiver.stop()

    async def _close_streams(self) -> None:
        await asyncio.gather(*(receiver.close() for receiver in self._receivers.values()))
        self._receivers.clear()
        self._by_ssrc.clear()

    def _rtp_arrived(self, data: bytes, now: float) -> None:
        try:
            header = parse_header(data)
            receiver = self._by_ssrc.get(header.ssrc)
            if receiver is None:
                self.packets_unknown += 1
                return
            self._estimate(receiver, data, header, now)
        except MalformedPacketError as error:
            logger.debug("a packet was dropped: %s", error)
            return
        receiver.handle_rtp(data, header, now)

    def _estimate(
        self, receiver: StreamReceiver, data: bytes, header: RtpHeader, now: float
    ) -> None:
        time_id = receiver.encoding.extensions.get(Uri.ABS_SEND_TIME)
        if time_id is None:
            return
        for element in extensions(data, header):
            if element.id == time_id and element.length == 3:
                sent = int.from_bytes(data[element.offset : element.offset + 3], "big")
                estimate = self._estimator.add(header.ssrc, sent, len(data), now)
                if estimate is not None:
                    self._available = estimate

    def _rtcp_arrived(self, packets: Sequence[RtcpPacket]) -> None:
        now = self._loop.time()
        for packet in packets:
            for receiver in self._receivers.values():
                receiver.handle_rtcp(packet, now)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            now = self._loop.time()
            blocks = [
                block
                for receiver in self._receivers.values()
                if (block := receiver.report_block(now)) is not None
            ]
            packets: list[RtcpPacket] = [
                ReceiverReport(self._sender_ssrc, tuple(blocks[start : start + MAX_BLOCKS]))
                for start in range(0, max(len(blocks), 1), MAX_BLOCKS)
            ]
            if self._available is not None and self._receivers:
                ssrcs = tuple(item.encoding.ssrc for item in self._receivers.values())
                packets.append(Remb(self._sender_ssrc, self._available, ssrcs))
            self._endpoint.send_rtcp(packets)


def _encoding(section: ReceivedSection) -> ReceiveEncoding | None:
    """Give what a receiver needs to know; None for a section on which nothing is sent."""
    if not section.is_active or section.ssrc is None or section.kind == "application":
        return None
    return ReceiveEncoding(
        mid=section.mid,
        kind=section.kind,
        ssrc=section.ssrc,
        rtx_ssrc=section.rtx_ssrc,
        codecs={number: codec.name for number, codec in section.codecs.items()},
        rtx=dict(section.rtx_payload_types),
        extensions=dict(section.extensions),
    )
