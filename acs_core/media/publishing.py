"""The connection on which the client sends: it offers, the service answers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence

from acs_core.errors import CallingError, InvalidStateError
from acs_core.media.congestion import LossLimit
from acs_core.media.negotiation import PublishedStream, PublishNegotiation
from acs_core.media.outgoing import SendEncoding
from acs_core.media.peer import MediaPeer, PeerSettings, PeerState
from acs_core.media.sender import SendOptions, StreamSender
from acs_core.media.sources import MediaSource
from acs_core.media.stats import PeerStats
from acs_core.rtc.feedback import ReceiverReport, Remb, RtcpPacket

__all__ = ["PublishPeer"]

# What sound needs of the estimated bandwidth, with its headers, before pictures share the rest.
SOUND_RESERVE_BPS = 60_000
# No picture is worth sending below this; congestion beyond it is the service's to solve.
LEAST_PICTURE_BPS = 100_000


class PublishPeer(MediaPeer):
    """Sends any number of streams; offers go to the service, answers come back.

    After `add_stream`, `remove_stream` and `want_data` the owner exchanges one offer and answer
    when it likes: `create_offer`, then `accept_answer`, one exchange at a time.
    """

    def __init__(
        self,
        *,
        settings: PeerSettings | None = None,
        on_state: Callable[[PeerState, CallingError | None], None] | None = None,
    ) -> None:
        """See `MediaPeer`."""
        super().__init__(settings=settings, on_state=on_state)
        self._cname = secrets.token_hex(8)
        self._negotiation = PublishNegotiation(
            session_id=self._session_id,
            cname=self._cname,
            new_ssrc=lambda: secrets.randbelow(0xFFFFFFFE) + 1,
        )
        self._senders: dict[str, StreamSender] = {}
        self._available: int | None = None
        self._loss = LossLimit()

    @property
    def needs_offer(self) -> bool:
        """What was added, removed or wanted has not been offered yet."""
        return self._negotiation.needs_offer

    def add_stream(
        self,
        key: str,
        source: MediaSource,
        *,
        options: SendOptions | None = None,
        stream_id: str | None = None,
        track_id: str | None = None,
        enabled: bool = True,
    ) -> StreamSender:
        """Offer a stream; it is sent once the service has accepted it.

        Args:
            key: Names the stream here.
            source: What to send; stays its maker's.
            options: Limits and codecs.
            stream_id: First word of the msid; streams that share it are played in sync. By
                default one per connection.
            track_id: Second word of the msid; by default the key.
            enabled: Whether frames are sent from the start.

        Raises:
            InvalidStateError: The key is in use, or the connection has ended.
            InvalidArgumentError: None of the codecs exists.
        """
        self._require_open()
        self._negotiation.add_stream(
            key,
            source.kind,
            stream_id=stream_id or self._cname,
            track_id=track_id or key,
            codecs=options.codecs if options else (),
        )
        sender = StreamSender(
            self._endpoint, source, cname=self._cname, options=options, enabled=enabled
        )
        self._senders[key] = sender
        return sender

    async def remove_stream(self, key: str) -> None:
        """Stop sending a stream at once; the next offer says so.

        Raises:
            InvalidStateError: There is no such stream.
        """
        sender = self.sender(key)
        del self._senders[key]
        self._negotiation.remove_stream(key)
        await sender.close()

    def want_data(self) -> None:
        """Ask for data channels with the next offer."""
        self._negotiation.want_data()

    async def create_offer(self) -> str:
        """Write an offer of everything.

        Raises:
            InvalidStateError: An offer is outstanding, or the connection has ended.
            TransportError: No socket could be opened.
        """
        return self._negotiation.create_offer(await self._local_transport())

    def withdraw_offer(self) -> None:
        """Take the outstanding offer back; without effect if there is none."""
        self._negotiation.withdraw_offer()

    async def accept_answer(self, text: str) -> tuple[str, ...]:
        """Take the answer, start to connect or to send; do not wait for either.

        Returns:
            Keys of the streams that the service refused; they are gone.

        Raises:
            ProtocolError: The answer cannot be read or does not fit the offer.
            InvalidStateError: No offer is outstanding.
        """
        answer = self._negotiation.accept_answer(text)
        for stream in answer.streams:
            self._senders[stream.key].start(_encoding(stream))
        self._remote_described(answer.transport, answer.data)
        for key in answer.refused:
            await self._senders.pop(key).close()
        return answer.refused

    def sender(self, key: str) -> StreamSender:
        """Give the sender of a stream.

        Raises:
            InvalidStateError: There is no such stream.
        """
        try:
            return self._senders[key]
        except KeyError:
            raise InvalidStateError(f"There is no stream {key}.") from None

    def stats(self) -> PeerStats:
        """Take a snapshot."""
        now = self._loop.time()
        senders = {key: sender.stats(now) for key, sender in self._senders.items()}
        trips = [item.round_trip for item in senders.values() if item.round_trip is not None]
        return PeerStats(
            state=self.state,
            silent_for=self._leg.silent_for(now),
            available_bitrate_bps=self._available,
            round_trip=min(trips, default=self._leg.round_trip),
            local_candidate_type=self._leg.candidate_types[0],
            remote_candidate_type=self._leg.candidate_types[1],
            has_relay_failed=self._leg.has_relay_failed,
            path=self.path,
            senders=senders,
        )

    def _stop_streams(self) -> None:
        for sender in self._senders.values():
            sender.stop()

    async def _close_streams(self) -> None:
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))

    def _rtcp_arrived(self, packets: Sequence[RtcpPacket]) -> None:
        for packet in packets:
            if isinstance(packet, Remb):
                self._available = packet.bitrate_bps
                self._share()
            elif isinstance(packet, ReceiverReport):
                self._note_loss(packet)
            for sender in self._senders.values():
                sender.handle_rtcp(packet)

    def _videos(self) -> list[StreamSender]:
        senders = self._senders.values()
        return [sender for sender in senders if sender.enabled and sender.kind == "video"]

    def _note_loss(self, report: ReceiverReport) -> None:
        videos = {sender.ssrc: sender for sender in self._videos()}
        lost = [block.fraction_lost / 256 for block in report.reports if block.ssrc in videos]
        if lost:
            sending = sum(sender.target_bitrate_bps for sender in videos.values())
            if self._loss.report(max(lost), sending, self._loop.time()):
                self._share()

    def _share(self) -> None:
        """Give each video its part of the bandwidth, in proportion to its limit."""
        videos = self._videos()
        if not videos:
            return
        wanted = rest = sum(sender.max_bitrate_bps for sender in videos)
        if self._available is not None:
            active = sum(sender.enabled for sender in self._senders.values())
            rest = min(rest, self._available - SOUND_RESERVE_BPS * (active - len(videos)))
        if self._loss.bitrate_bps is not None:
            rest = min(rest, self._loss.bitrate_bps)
        for sender in videos:
            part = rest * sender.max_bitrate_bps // wanted
            sender.set_available_bitrate(max(part, LEAST_PICTURE_BPS))


def _encoding(stream: PublishedStream) -> SendEncoding:
    return SendEncoding(
        mid=stream.mid,
        codec_name=stream.codec.name,
        ssrc=stream.ssrc,
        payload_type=stream.codec.payload_type,
        rtx_ssrc=stream.rtx_ssrc,
        rtx_payload_type=stream.rtx_payload_type,
        extensions=dict(stream.extensions),
    )
