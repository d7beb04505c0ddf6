"""The publish side of a session: our streams, and the connection that carries them.

The client offers on this connection and the service answers, so there is no glare. Changes run one
after the other under a lock. `replace` moves all streams to a new connection with the next number;
their keys tell the service that they are the same publications.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from acs_core import wire
from acs_core.core.facts import DataReliability, Priority, PublicationInfo, PublicationKind
from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    InvalidStateError,
    ProtocolError,
    Stage,
)
from acs_core.media.ice import IceServer
from acs_core.media.peer import PeerSettings, PeerState
from acs_core.media.publishing import PublishPeer
from acs_core.media.sender import SendOptions, StreamSender
from acs_core.media.sources import MediaSource
from acs_core.media.stats import PeerStats
from acs_core.rtc.data import DataChannel

__all__ = ["Ask", "Insist", "LocalStream", "NewStream", "PublishLeg", "SessionOptions"]

Ask = Callable[[wire.RequestBody], Awaitable[wire.DeliveryBody]]
"""Sends a request and returns its answer; raises what the service refuses."""

Insist = Callable[[wire.RequestBody], Awaitable[None]]
"""The same for what has happened here already: it goes on after a deadline, silently."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Deadlines and limits, in seconds.

    Attributes:
        media_timeout: For ICE and DTLS of one connection.
        silence: A connection that delivers nothing for so long is replaced.
        media_window: For replacing a connection before the call is given up; None for the
            window that the service grants to signaling.
        ice_servers: To be used instead of those that the service names; empty for the latter.
        is_relay_only: Media goes by way of a TURN server or not at all.
        is_dscp_enabled: Mark media packets for routers (RFC 8837).
    """

    media_timeout: float = 10.0
    silence: float = 3.5
    media_window: float | None = None
    ice_servers: tuple[wire.IceServer, ...] = ()
    is_relay_only: bool = False
    is_dscp_enabled: bool = False

    def peer_settings(self, ice_servers: Sequence[wire.IceServer]) -> PeerSettings:
        """These options for one media connection."""
        return PeerSettings(
            ice_servers=tuple(
                IceServer(url, item.username or None, item.credential or None)
                for item in self.ice_servers or ice_servers
                for url in item.urls
            ),
            silence=self.silence,
            ice_timeout=self.media_timeout,
            dtls_timeout=self.media_timeout,
            is_relay_only=self.is_relay_only,
            is_dscp_enabled=self.is_dscp_enabled,
        )


@dataclass(frozen=True, slots=True)
class NewStream:
    """Something to publish: a media source, or no source for data.

    Attributes:
        audience: Raw ids of who may receive it; empty for everybody.
    """

    kind: PublicationKind
    source: MediaSource | None = None
    name: str = ""
    enabled: bool = True
    priority: Priority = Priority.STANDARD
    encoding: SendOptions = field(default_factory=SendOptions)
    reliability: DataReliability | None = None
    audience: tuple[str, ...] = ()


class LocalStream:
    """A publication of ours."""

    def __init__(self, key: str, new: NewStream) -> None:
        self.key = key
        self.kind = new.kind
        self.source = new.source
        self.enabled = new.enabled
        self.priority = new.priority
        self.encoding = new.encoding
        self.reliability = new.reliability
        self.audience = new.audience
        self.name = new.name
        self.info: PublicationInfo | None = None
        self.is_held = False
        self._sender: StreamSender | None = None
        self._channel: DataChannel | None = None

    @property
    def id(self) -> str:
        """The publication's id; known once it is published."""
        if self.info is None:
            raise InvalidStateError("The stream is not published yet.")
        return self.info.id

    @property
    def sender(self) -> StreamSender | None:
        """What encodes and sends it, while there is a connection."""
        return self._sender

    @property
    def is_sending(self) -> bool:
        """Whether its media goes out: it is enabled, and the call is not on hold."""
        return self.enabled and not self.is_held

    def set_held(self, is_held: bool) -> None:
        """Send nothing while the call is on hold; to the others it stays enabled."""
        self.is_held = is_held
        if self._sender is not None:
            self._sender.enabled = self.is_sending

    def send(self, payload: str | bytes) -> None:
        """Send a message on a data publication.

        Raises:
            InvalidStateError: The publication is not connected now, or carries no data.
        """
        if self._channel is None:
            raise InvalidStateError(
                f"Data publication {self.name!r} is not connected.",
                stage=Stage.DATA,
                next_step="Wait until it is published, or until the call has reconnected.",
            )
        self._channel.send(payload)

    def set_encoding(self, encoding: SendOptions) -> None:
        """Send with other limits; they outlive the connection."""
        self.encoding = encoding
        if self._sender is not None:
            self._sender.set_options(encoding)

    async def replace_source(self, source: MediaSource) -> None:
        """Send from another source; the publication stays the same."""
        if self._sender is not None:
            self._sender.replace_source(source)
        self.source = source

    def bind(self, sender: StreamSender | None, channel: DataChannel | None) -> None:
        """Tie the publication to a (new) connection; the session does this."""
        self._sender = sender
        self._channel = channel

    def unbind(self) -> None:
        """The connection is gone, or the publication is withdrawn."""
        if self._channel is not None:
            self._channel.close()
        self.bind(None, None)

    def to_wire(self) -> wire.NewPublication:
        """What the service is told."""
        return wire.NewPublication(
            key=self.key,
            kind=self.kind,
            name=self.name,
            enabled=self.enabled,
            priority=self.priority,
            reliability=self.reliability,
            audience=self.audience,
        )


class PublishLeg:
    """Our streams on one connection at a time."""

    def __init__(
        self,
        endpoint_id: str,
        ask: Ask,
        insist: Insist,
        options: SessionOptions,
        on_trouble: Callable[[CallingError], None],
    ) -> None:
        self._endpoint_id = endpoint_id
        self._ask = ask
        self._insist = insist
        self._options = options
        self._on_trouble = on_trouble
        self._ice_servers: Sequence[wire.IceServer] = ()
        self._streams: dict[str, LocalStream] = {}
        self._peer: PublishPeer | None = None
        self._connection = 0
        self._is_closed = False
        self._lock = asyncio.Lock()

    @property
    def streams(self) -> Mapping[str, LocalStream]:
        """Our publications by publication id."""
        return MappingProxyType(
            {stream.id: stream for stream in self._streams.values() if stream.info}
        )

    @property
    def connection(self) -> int:
        """The number of the newest connection; 0 before there is one."""
        return self._connection

    @property
    def is_connected(self) -> bool:
        """Whether there is nothing to connect, or it is connected."""
        return self._peer is None or self._peer.state is PeerState.CONNECTED

    @property
    def silence(self) -> float:
        """Seconds since anything was heard; 0 before there is a connection that works."""
        return 0.0 if self._peer is None else self._peer.silence

    def stats(self) -> PeerStats | None:
        """Measurements of the connection, if there is one."""
        return self._peer.stats() if self._peer else None

    async def prepare(self, new: Sequence[NewStream]) -> tuple[list[LocalStream], str | None]:
        """Make the first streams and the offer that goes with the join; None without streams."""
        async with self._lock:
            streams = [self._make(item) for item in new]
            return streams, await self._offer() if streams else None

    async def confirm(
        self,
        streams: Sequence[LocalStream],
        answer: str | None,
        infos: Sequence[PublicationInfo],
        ice_servers: Sequence[wire.IceServer],
    ) -> None:
        """Take the service's answer to the offer of `prepare` and connect."""
        self._ice_servers = ice_servers
        async with self._lock:
            _name(streams, infos)
            if answer is not None:
                await self._accept(answer)

    async def add(self, new: NewStream) -> LocalStream:
        """Publish one more stream.

        Raises:
            CallingError: The service refuses it; nothing has changed.
        """
        async with self._lock:
            stream = self._make(new)
            try:
                await self._exchange([stream])
            except BaseException:
                # Whether the service took it is not known when the answer did not come.
                with contextlib.suppress(CallingError):
                    await self._withdraw(stream)
                raise
            return stream

    async def remove(self, stream: LocalStream) -> None:
        """Withdraw a stream; does nothing when it is gone already."""
        async with self._lock:
            if stream.key not in self._streams:
                return
            await self._withdraw(stream)
            if self._peer is not None:
                await self._exchange([])

    async def replace(self) -> None:
        """Move all streams to a new connection."""
        async with self._lock:
            await self._close_peer()
            if self._streams:
                await self._exchange([])

    async def close(self) -> None:
        """End the connection; a change that is under way fails."""
        # Without the lock: whoever holds it may be waiting for the network.
        self._is_closed = True
        await self._close_peer()

    def _make(self, new: NewStream) -> LocalStream:
        if new.source is None and new.kind is not PublicationKind.DATA:
            raise InvalidArgumentError("A media stream needs a source.", stage=Stage.ARGUMENT)
        stream = LocalStream(uuid.uuid4().hex, new)
        if self._peer is not None:
            self._put(self._peer, stream)
        self._streams[stream.key] = stream
        return stream

    async def _withdraw(self, stream: LocalStream) -> None:
        self._streams.pop(stream.key, None)
        if stream.sender is not None and self._peer is not None:
            await self._peer.remove_stream(stream.key)
        stream.unbind()
        await self._insist(wire.Unpublish(endpoint=self._endpoint_id, keys=(stream.key,)))

    async def _exchange(self, fresh: Sequence[LocalStream]) -> None:
        offer = await self._offer()
        try:
            answer = await self._ask(
                wire.Publish(
                    endpoint=self._endpoint_id,
                    connection=self._connection,
                    offer=offer,
                    publications=tuple(stream.to_wire() for stream in fresh),
                )
            )
        except BaseException:
            if self._peer is not None:
                self._peer.withdraw_offer()
            raise
        if not isinstance(answer, wire.Published) or answer.answer is None:
            raise ProtocolError("The service did not answer the offer.", stage=Stage.NEGOTIATION)
        _name(fresh, answer.publications)
        await self._accept(answer.answer)

    async def _offer(self) -> str:
        if self._is_closed:
            raise InvalidStateError("The call is over.", stage=Stage.NEGOTIATION)
        if self._peer is None:
            self._connection += 1
            peer = PublishPeer(
                settings=self._options.peer_settings(self._ice_servers),
                on_state=self._peer_changed,
            )
            self._peer = peer
            for stream in self._streams.values():
                self._put(peer, stream)
        return await self._peer.create_offer()

    async def _accept(self, answer: str) -> None:
        peer = self._peer
        if peer is None:
            raise InvalidStateError("The call is over.", stage=Stage.NEGOTIATION)
        await peer.accept_answer(answer)
        await peer.connected(self._options.media_timeout)

    def _put(self, peer: PublishPeer, stream: LocalStream) -> None:
        if stream.kind is not PublicationKind.DATA:
            assert stream.source is not None
            sender = peer.add_stream(
                stream.key, stream.source, options=stream.encoding, enabled=stream.is_sending
            )
            stream.bind(sender, None)
            return
        reliability = stream.reliability or DataReliability()
        peer.want_data()
        channel = peer.open_channel(
            stream.key,
            ordered=reliability.ordered,
            max_retransmits=reliability.max_retransmits,
            max_packet_life_time=reliability.max_packet_life_time_ms,
        )
        stream.bind(None, channel)

    async def _close_peer(self) -> None:
        peer, self._peer = self._peer, None
        if peer is not None:
            for stream in self._streams.values():
                stream.unbind()
            await peer.close()

    def _peer_changed(self, state: PeerState, error: CallingError | None) -> None:
        if state in (PeerState.SILENT, PeerState.FAILED) and error is not None:
            self._on_trouble(error)


def _name(streams: Sequence[LocalStream], infos: Sequence[PublicationInfo]) -> None:
    if len(streams) != len(infos):
        raise ProtocolError("The service did not name every publication.", stage=Stage.SIGNALING)
    for stream, info in zip(streams, infos, strict=True):
        stream.info = info
        stream.name = info.name
