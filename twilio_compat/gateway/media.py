"""A participant's media in a room that the service forwards: one connection for both directions.

`SfuMedia` joins the peer connection, the subscriptions on it and the media signaling channels. When
the connection is replaced, as when a room moves to another worker, the client closes the old one
and offers a new one with everything it sends; subscriptions and channels begin anew.

Source: twilio-video.js 2.36 on the wire: `close` and `create-offer` replace a connection.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from acs_core.core.facts import DataReliability
from acs_core.errors import ProtocolError, Stage
from acs_core.rtc.data import DataChannel
from acs_core.service.endpoints import Endpoint, Subscription
from acs_core.service.rooms import RoomOptions
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import RefusalReason, SsrcPolicy
from acs_core.service.sfu.transport import MediaTransport
from twilio_compat.gateway.connection import PeerConnection
from twilio_compat.gateway.messages import CLIENT_SENT_INVALID, ConnectionState
from twilio_compat.gateway.publishing import LocalTracks
from twilio_compat.gateway.receiving import RemoteTracks, SubscriptionError

__all__ = ["Media", "MediaOwner", "SfuMedia"]

_log = logging.getLogger(__name__)


class MediaOwner(Protocol):
    """The session that the media belongs to."""

    def media_arrived(self) -> None:
        """The client sends other streams than before."""

    def liveness_changed(self) -> None:
        """The client's media fell silent, or is heard again."""

    def connection_closed(self) -> None:
        """The client was told to close its connection, and to make another one."""

    def connection_opened(self) -> None:
        """The client has made the other connection."""

    def align_soon(self) -> None:
        """What can be forwarded changed: `align` is to be called in a turn of its own."""

    def say(self, **fields: object) -> None:
        """Tell the client, in an `update`."""


class Media(Protocol):
    """A participant's media, whichever way it takes."""

    @property
    def transports(self) -> Sequence[MediaTransport]:
        """All transports as of now."""

    def begin(self, states: Iterable[ConnectionState]) -> list[dict[str, Any]]:
        """Take the offer that comes with `connect`; the `peer_connections` of `connected`."""

    def open(self) -> None:
        """The client may be told things from now on; what is due follows."""

    def shut(self) -> None:
        """The client cannot be told anything for a while."""

    def take(self, states: Iterable[ConnectionState]) -> None:
        """Handle what the client says of its connections."""

    def resume(self) -> list[dict[str, Any]]:
        """The `peer_connections` of `synced`."""

    def attach(self, endpoint: Endpoint) -> None:
        """Join the client's tracks with their media."""

    def align(self, wanted: Mapping[str, Subscription]) -> None:
        """Forward what is subscribed to, and nothing else."""

    def subscribed(self) -> dict[str, Any]:
        """The object of that name."""

    def end(self) -> None:
        """The participant is out of the room, or never came in; `close` follows."""

    async def close(self) -> None:
        """End the media, within 2 s."""


class SfuMedia(TransportListener):
    """One client's media; an adapter of `MediaTransport` to `peer_connections` and `subscribed`.

    Args:
        owner: Who is told what happens.
        engine: Makes transports.
        options: Of the room.
        tracks: What the client publishes.
    """

    def __init__(
        self, owner: MediaOwner, engine: SfuEngine, options: RoomOptions, tracks: LocalTracks
    ) -> None:
        self._owner = owner
        self._tracks = tracks
        self._engine = engine
        self._codecs = options.codec_names
        self._connection: PeerConnection | None = None
        self._remote = RemoteTracks()
        self._is_over = False

    # ------------------------------------------------------------ what the session asks for

    def begin(self, states: Iterable[ConnectionState]) -> list[dict[str, Any]]:
        """Answer the offer that comes with `connect`.

        Raises:
            ProtocolError: There is none, or it cannot be applied.
        """
        state = next((item for item in states if _is_offer(item)), None)
        if state is None:
            raise ProtocolError(
                "A participant must offer a peer connection.",
                sub_code=CLIENT_SENT_INVALID,
                stage=Stage.NEGOTIATION,
            )
        self._connection = connection = self._open(state.id)
        connection.take(state)
        return [connection.first_answer()]

    def open(self) -> None:
        """The client may be told things from now on; what is due follows."""
        self._live.is_open = True
        self._live.negotiate()

    def shut(self) -> None:
        """The client cannot be told anything for a while."""
        self._live.is_open = False

    def take(self, states: Iterable[ConnectionState]) -> None:
        """Handle what the client says of its connections; those that are gone mean nothing.

        Raises:
            ProtocolError: A description cannot be applied; the session is over.
        """
        for state in states:
            if state.id != self._live.id:
                continue
            if _is_offer(state) and self._live.transport.has_failed:
                # An ICE restart cannot bring back what is gone on our side.
                self.replace(after=_revision(state))
            else:
                self._take(state)

    def resume(self) -> list[dict[str, Any]]:
        """The entries of `peer_connections` for `synced`."""
        return self._live.resume()

    def attach(self, endpoint: Endpoint) -> None:
        """Join the client's tracks with the media that it sends now."""
        if not self._live.transport.is_closed:
            self._tracks.attach(endpoint, self._live.transport)

    def open_channel(self, label: str) -> DataChannel:
        """Open a reliable data channel to the client; the next offer carries it if need be."""
        return self._live.transport.open_channel(label, DataReliability())

    def align(self, wanted: Mapping[str, Subscription]) -> None:
        """Forward what is subscribed to, and nothing else."""
        transport = self._live.transport
        if transport.is_closed:
            return
        if self._remote.align(wanted, transport):
            self._owner.say(subscribed=self.subscribed())
        self._live.negotiate()

    def subscribed(self) -> dict[str, Any]:
        """The object of that name."""
        return self._remote.subscribed()

    def replace(self, *, after: int = 0) -> None:
        """Move the client to a new connection; it offers that as soon as it is told.

        Args:
            after: A revision of the old connection that the client has said, if it was not taken.
        """
        old = self._live
        is_open = old.is_open
        old.close()
        self._engine.close_soon(old.transport)
        self._remote.forget()
        self._connection = new = self._open(str(uuid.uuid4()), is_ours=True)
        self._owner.connection_closed()
        # A client that is away closes what `synced` does not name, and creates what it names.
        new.is_open = is_open
        closed = {"type": "close", "revision": max(old.revision, after) + 1}
        self._owner.say(
            peer_connections=[{"id": old.id, "description": closed}, *new.resume()],
            subscribed=self.subscribed(),
        )

    @property
    def transports(self) -> Sequence[MediaTransport]:
        """All transports as of now."""
        return () if self._connection is None else (self._connection.transport,)

    def end(self) -> None:
        """The participant is out of the room; `close` follows."""
        self._is_over = True
        if self._connection is not None:
            self._connection.close()
            self._remote.forget()

    async def close(self) -> None:
        """End the connection, within 2 s."""
        self.end()
        if self._connection is not None:
            await self._connection.transport.close()

    # ------------------------------------------------------------ TransportListener

    def on_streams(self) -> None:
        """The client sends other streams than before."""
        self._owner.media_arrived()

    def on_channel(self, channel: DataChannel) -> None:
        """The client opened a data channel, perhaps that of a track."""
        self._tracks.opened(channel)
        self._owner.media_arrived()

    def on_refused(self, key: str, reason: RefusalReason, *, is_retried: bool = False) -> None:
        """The client does not take a stream; a browser may reject all that has no codec of its."""
        error = _subscription_error(reason, is_retried=is_retried)
        if error is not None and self._remote.refused(key, error, self._live.transport):
            self._owner.say(subscribed=self.subscribed())
            self._owner.align_soon()

    def on_liveness(self) -> None:
        """The client fell silent, or is heard again."""
        self._owner.liveness_changed()

    def on_failed(self) -> None:
        """Our side gave the connection up; the client, which may not notice, gets another one."""
        if not self._is_over:
            self.replace()

    # ------------------------------------------------------------ connections

    def _take(self, state: ConnectionState) -> None:
        was_begun = self._live.is_begun
        self._live.take(state)
        if self._live.is_begun and not was_begun:
            self._owner.connection_opened()
        elif self._remote.has_errors:
            # The description may show another codec, or leave a section free.
            self._owner.align_soon()

    @property
    def _live(self) -> PeerConnection:
        assert self._connection is not None
        return self._connection

    def _open(self, connection_id: str, *, is_ours: bool = False) -> PeerConnection:
        transport = self._engine.create_transport(
            self,
            ssrc_policy=SsrcPolicy.FRESH,
            always_receive=True,
            codec_names=self._codecs,
        )
        return PeerConnection(
            connection_id,
            transport,
            lambda entry: self._owner.say(peer_connections=[entry]),
            is_ours=is_ours,
        )


def _subscription_error(reason: RefusalReason, *, is_retried: bool) -> SubscriptionError | None:
    """What the client is told of a stream that is not sent; None when it just has to wait."""
    match reason:
        case RefusalReason.NO_SECTION:
            # Tried again as soon as another stream ends, but that may take for ever.
            return SubscriptionError.NO_CAPACITY
        case RefusalReason.NO_COMMON_CODEC | RefusalReason.SECTION_REJECTED if not is_retried:
            return SubscriptionError.NO_COMMON_CODEC
        case _:
            return None


def _revision(state: ConnectionState) -> int:
    return 0 if state.description is None else state.description.revision


def _is_offer(state: ConnectionState) -> bool:
    return state.description is not None and state.description.type == "offer"
