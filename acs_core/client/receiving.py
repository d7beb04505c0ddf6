"""The receive side of a session: the connection on which the service offers.

Offers are handled one after the other by one task. A publication is subscribed when an accepted
offer maps it to a section, or when its data channel opens; what an offer no longer maps is
unsubscribed. Data channels come another way than the roster, and may be there first: then they
wait until the publication is `known`. A new connection number replaces the connection; readers of
frames go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from acs_core import wire
from acs_core.client.contained import tell
from acs_core.client.publishing import Ask, SessionOptions
from acs_core.core.facts import DataReliability
from acs_core.errors import CallingError, Stage, TransportError
from acs_core.media.peer import PeerState
from acs_core.media.receiver import StreamReceiver
from acs_core.media.stats import PeerStats
from acs_core.media.subscribing import SubscribePeer
from acs_core.rtc.data import DataChannel

__all__ = ["ReceiveObserver", "SubscribeLeg"]

_log = logging.getLogger(__name__)

MOST_AHEAD: Final = 1000
"""Messages of one publication that wait for the roster."""


class ReceiveObserver(Protocol):
    """Who hears what the connection brings."""

    def on_subscribed(self, publication: str) -> None:
        """The publication's media or data flows from now on."""

    def on_unsubscribed(self, publication: str) -> None:
        """Nothing more comes of it."""

    def on_data(self, publication: str, payload: str | bytes) -> None:
        """A message of a data publication."""


class SubscribeLeg:
    """What we receive, on one connection at a time."""

    def __init__(
        self,
        endpoint_id: str,
        ask: Ask,
        options: SessionOptions,
        observer: ReceiveObserver,
        on_trouble: Callable[[CallingError], None],
        is_known: Callable[[str], bool],
    ) -> None:
        self._endpoint_id = endpoint_id
        self._is_known = is_known
        self._ask = ask
        self._options = options
        self._observer = observer
        self._on_trouble = on_trouble
        self._ice_servers: Sequence[wire.IceServer] = ()
        self._peer: SubscribePeer | None = None
        # The connection that readers of frames hang on; kept until another one carries media.
        self._carrier: SubscribePeer | None = None
        self._connection = 0
        self._receivers: dict[str, StreamReceiver] = {}
        self._channels: dict[str, DataChannel] = {}
        # What came of data publications that the roster does not have yet.
        self._ahead: dict[str, list[str | bytes]] = {}
        self._offers: asyncio.Queue[wire.Offer] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._accepted = asyncio.Event()

    @property
    def connection(self) -> int:
        """The number of the newest connection; 0 before there is one."""
        return self._connection

    @property
    def is_connected(self) -> bool:
        """Whether there is nothing to connect, or it is connected."""
        return self._peer is None or self._peer.state is PeerState.CONNECTED

    def start(self, ice_servers: Sequence[wire.IceServer]) -> None:
        """Begin to handle offers."""
        self._ice_servers = ice_servers
        self._task = asyncio.create_task(self._run(), name="subscribe connection")

    def offered(self, offer: wire.Offer) -> None:
        """Take an offer; it is handled in turn."""
        self._offers.put_nowait(offer)

    def receiver(self, publication: str) -> StreamReceiver | None:
        """What decodes a publication, while it is subscribed."""
        return self._receivers.get(publication)

    def is_subscribed(self, publication: str) -> bool:
        """Whether media or data of a publication arrives."""
        has_channel = publication in self._channels and publication not in self._ahead
        return has_channel or publication in self._receivers

    def known(self, publication: str) -> None:
        """The roster has a publication: what came of it before is told now."""
        messages = self._ahead.pop(publication, None)
        if messages is not None:
            tell(self._observer.on_subscribed, publication)
            for payload in messages:
                tell(self._observer.on_data, publication, payload)

    def reliability(self, publication: str) -> DataReliability | None:
        """How hard the data channel of a publication tries; None while there is none."""
        channel = self._channels.get(publication)
        if channel is None:
            return None
        return DataReliability(
            ordered=channel.ordered,
            max_retransmits=channel.max_retransmits,
            max_packet_life_time_ms=channel.max_packet_life_time,
        )

    def forget(self, publication: str) -> None:
        """The publication is gone; say so before anybody hears of it otherwise."""
        receiver = self._receivers.pop(publication, None)
        channel = self._channels.pop(publication, None)
        was_ahead = self._ahead.pop(publication, None) is not None
        if receiver is not None or (channel is not None and not was_ahead):
            tell(self._observer.on_unsubscribed, publication)

    @property
    def silence(self) -> float:
        """Seconds since anything was heard; 0 before there is a connection that works."""
        return 0.0 if self._peer is None else self._peer.silence

    def stats(self) -> PeerStats | None:
        """Measurements of the connection, if there is one."""
        return self._peer.stats() if self._peer else None

    async def replace(self) -> None:
        """Ask the service for a new connection and return when it carries media.

        The caller sets the deadline.
        """
        before = self._connection
        await self._ask(wire.Renegotiate(endpoint=self._endpoint_id, connection=before))
        while self._connection <= before or not self.is_connected:
            self._accepted.clear()
            await self._accepted.wait()

    async def close(self) -> None:
        """End the connection; everything is unsubscribed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        # That nothing comes any more is told by the end of the call.
        self._receivers.clear()
        self._channels.clear()
        self._ahead.clear()
        peers = {peer for peer in (self._peer, self._carrier) if peer is not None}
        self._peer = self._carrier = None
        await asyncio.gather(*(peer.close() for peer in peers))

    async def _run(self) -> None:
        while True:
            offer = await self._offers.get()
            if offer.connection < self._connection:
                continue
            try:
                await self._accept(offer)
            except CallingError as error:
                _log.info("an offer of the service could not be accepted: %s", error)
                self._on_trouble(error)
            except Exception:
                _log.exception("handling an offer of the service failed")
                self._on_trouble(
                    TransportError("An offer could not be handled.", stage=Stage.NEGOTIATION)
                )

    async def _accept(self, offer: wire.Offer) -> None:
        peer = self._peer
        if peer is None or offer.connection != self._connection:
            if peer is not None and peer is not self._carrier:
                await peer.close()
            peer = self._peer = self._new_peer()
            self._connection = offer.connection
        answer = await peer.accept_offer(offer.sdp)
        await self._ask(
            wire.Answer(
                endpoint=self._endpoint_id,
                connection=offer.connection,
                revision=offer.revision,
                sdp=answer,
            )
        )
        await peer.connected(self._options.media_timeout)
        self._map(peer)
        old, self._carrier = self._carrier, peer
        if old is not None and old is not peer:
            await old.close()
        self._accepted.set()

    def _new_peer(self) -> SubscribePeer:
        def changed(state: PeerState, error: CallingError | None) -> None:
            # What becomes of a connection that is being replaced is no news.
            if self._peer is peer and state in (PeerState.SILENT, PeerState.FAILED) and error:
                self._on_trouble(error)

        peer = SubscribePeer(
            settings=self._options.peer_settings(self._ice_servers),
            on_state=changed,
            on_channel=lambda channel: self._channel_opened(peer, channel),
        )
        return peer

    def _map(self, peer: SubscribePeer) -> None:
        wanted = peer.receivers_by_track
        for publication in [key for key in self._receivers if key not in wanted]:
            self.forget(publication)
        for publication, receiver in wanted.items():
            before = self._receivers.get(publication)
            self._receivers[publication] = receiver
            if before is None:
                tell(self._observer.on_subscribed, publication)
            elif before is not receiver:
                receiver.take_readers(before)

    def _channel_opened(self, peer: SubscribePeer, channel: DataChannel) -> None:
        publication = channel.label
        is_new = publication not in self._channels
        self._channels[publication] = channel
        channel.on_message = lambda payload: self._received(publication, payload)
        channel.on_close = lambda: self._channel_closed(peer, channel)
        if is_new and self._is_known(publication):
            tell(self._observer.on_subscribed, publication)
        elif is_new:
            self._ahead[publication] = []

    def _received(self, publication: str, payload: str | bytes) -> None:
        ahead = self._ahead.get(publication)
        if ahead is None:
            self._observer.on_data(publication, payload)
        elif len(ahead) < MOST_AHEAD:
            ahead.append(payload)
        else:
            _log.warning("a message of %s, of which nothing else is known, was lost", publication)

    def _channel_closed(self, peer: SubscribePeer, channel: DataChannel) -> None:
        publication = channel.label
        # A channel that ends with its connection comes back with the next one.
        is_over = peer is self._peer and peer.state is PeerState.CONNECTED
        if self._channels.get(publication) is channel and is_over:
            self.forget(publication)
