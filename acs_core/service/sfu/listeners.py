"""Who a media connection tells what happens to it: its adapter, and the index of streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from acs_core.rtc.data import DataChannel
from acs_core.service.sfu.changes import RefusalReason
from acs_core.service.sfu.producer import Producer

if TYPE_CHECKING:
    from acs_core.service.sfu.transport import MediaTransport

__all__ = ["StreamIndex", "TransportListener"]


class TransportListener(Protocol):
    """The adapter that owns a transport; called on the event loop, must not block."""

    def on_streams(self) -> None:
        """`MediaTransport.producers` changed."""

    def on_channel(self, channel: DataChannel) -> None:
        """The client opened a data channel."""

    def on_refused(self, key: str, reason: RefusalReason, *, is_retried: bool) -> None:
        """The client does not get a stream that is forwarded to it.

        Args:
            key: Of `MediaTransport.forward`.
            reason: Why not.
            is_retried: Whether it will be offered again by itself; nothing needs to be given up.
        """

    def on_liveness(self) -> None:
        """`MediaTransport.is_silent` changed."""

    def on_failed(self) -> None:
        """No connection was made, and none will be; see `MediaTransport.has_failed`.

        Comes at most once, and neither before the client was heard nor after `close`.
        """


class StreamIndex(Protocol):
    """Where transports announce their streams, so that plane events find them."""

    def producer_added(self, producer: Producer) -> None:
        """A stream comes in."""

    def producer_removed(self, producer: Producer) -> None:
        """It does not any more."""

    def transport_closed(self, transport: MediaTransport) -> None:
        """The connection is gone."""
