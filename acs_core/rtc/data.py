"""Data channels over the SCTP association that shares a DTLS endpoint.

Ends of the association: `start` may be called before or after DTLS is connected; the later of
both starts SCTP. Channels opened before are queued. When DTLS ends, all channels close.

Source: RFC 8831 (data channels), RFC 8832 (their opening), RFC 8841 (SDP parameters).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import RTCSctpCapabilities

from acs_core.aiortc_private import DtlsTransport, SctpTransport
from acs_core.errors import InvalidArgumentError, InvalidStateError, Stage, TransportError

__all__ = ["MAX_BUFFERED_AMOUNT", "MAX_CHANNELS", "DataChannel", "DataChannelState", "DataChannels"]

logger = logging.getLogger(__name__)

MAX_BUFFERED_AMOUNT = 1 << 20
"""Bytes a channel may hold for a slow peer; the limit is ours."""

MAX_CHANNELS = 256
"""Channels of one connection; the next one a peer opens is closed. The limit is ours."""


class DataChannelState(StrEnum):
    """State of a channel, as the W3C spells it."""

    CONNECTING = "connecting"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class DataChannel:
    """One data channel.

    Set the callbacks as soon as the channel is handed out: they are called from the event
    loop, never before the code that received the channel has run on. What they raise is logged.

    Attributes:
        label: The channel's name; not unique.
        ordered: Messages arrive in the order they were sent.
        max_retransmits: How often a message is sent again; None for as often as needed.
        max_packet_life_time: Milliseconds after which a message is given up; None for never.
        protocol: Name of the protocol spoken over it; may be empty.
        on_message: Called with each `str` or `bytes` message.
        on_open: Called when messages can be sent.
        on_close: Called once, whoever closed it.
    """

    def __init__(
        self, parameters: RTCDataChannelParameters, on_end: Callable[[DataChannel], None]
    ) -> None:
        self.label = parameters.label
        self.ordered = parameters.ordered
        self.max_retransmits = parameters.maxRetransmits
        self.max_packet_life_time = parameters.maxPacketLifeTime
        self.protocol = parameters.protocol
        self.on_message: Callable[[str | bytes], None] | None = None
        self.on_open: Callable[[], None] | None = None
        self.on_close: Callable[[], None] | None = None
        self._parameters = parameters
        self._on_end = on_end
        self._channel: RTCDataChannel | None = None
        self._state = DataChannelState.CONNECTING
        self._waiting: deque[str | bytes] = deque()
        self._waiting_size = 0

    @property
    def state(self) -> DataChannelState:
        """The channel's state; what is sent while it is ``CONNECTING`` waits until it is open."""
        if self._channel is None or self._state is DataChannelState.CLOSED:
            return self._state
        return DataChannelState(self._channel.readyState)

    @property
    def id(self) -> int | None:
        """SCTP stream number; None before the channel is negotiated."""
        return None if self._channel is None else self._channel.id

    @property
    def buffered_amount(self) -> int:
        """Bytes handed to `send` that have not left yet."""
        queued = 0 if self._channel is None else int(self._channel.bufferedAmount)
        return queued + self._waiting_size

    def send(self, data: str | bytes) -> None:
        """Queue one message.

        Raises:
            InvalidStateError: The channel is closing or closed.
            InvalidArgumentError: Longer than the other end accepts, or not text nor bytes.
            TransportError: More than `MAX_BUFFERED_AMOUNT` bytes would wait; send less, or later.
        """
        state = self.state
        if state not in (DataChannelState.CONNECTING, DataChannelState.OPEN):
            raise InvalidStateError(f"data channel {self.label!r} is {state}", stage=Stage.DATA)
        size = len(data.encode()) if isinstance(data, str) else len(data)
        if self.buffered_amount + size > MAX_BUFFERED_AMOUNT:
            raise TransportError(
                f"data channel {self.label!r} already holds {self.buffered_amount} bytes",
                stage=Stage.DATA,
                next_step="Wait until the other end has received them, or send less.",
            )
        if state is DataChannelState.CONNECTING or self._channel is None:
            self._waiting.append(data)
            self._waiting_size += size
            return
        try:
            self._channel.send(data)
        except ValueError as error:
            raise InvalidArgumentError(str(error), stage=Stage.DATA) from error

    def close(self) -> None:
        """Close the channel; queued messages are still delivered. Closing again does nothing."""
        if self._channel is not None:
            self._channel.close()
        else:
            self._closed()

    def _attach(self, channel: RTCDataChannel) -> None:
        self._channel = channel
        channel.on("open", self._opened)
        channel.on("close", self._closed)
        channel.on("message", self._received)

    def _opened(self) -> None:
        self._waiting_size = 0
        while self._waiting and self._channel is not None:
            message = self._waiting.popleft()
            try:
                self._channel.send(message)
            except ValueError as error:
                logger.warning("a message on data channel %r was not sent: %s", self.label, error)
        _contained(self.label, self.on_open)

    def _received(self, data: str | bytes) -> None:
        _contained(self.label, self.on_message, data)

    def _closed(self) -> None:
        if self._state is not DataChannelState.CLOSED:
            self._state = DataChannelState.CLOSED
            self._on_end(self)
            _contained(self.label, self.on_close)
            self.on_message = self.on_open = self.on_close = None
            self._waiting.clear()
            self._waiting_size = 0


class DataChannels:
    """All data channels of one DTLS endpoint; made and ended by it.

    Attributes:
        on_channel: Called with each channel the other end opens; set its callbacks there.
    """

    def __init__(self, transport: DtlsTransport) -> None:
        self.on_channel: Callable[[DataChannel], None] | None = None
        self._transport = transport
        self._remote: tuple[int, int] | None = None
        self._sctp: SctpTransport | None = None
        self._starting: asyncio.Task[None] | None = None
        self._channels: set[DataChannel] = set()
        self._is_closed = False

    @property
    def is_started(self) -> bool:
        """The association is being set up or is up."""
        return self._sctp is not None and not self._is_closed

    def start(self, remote_port: int, max_message_size: int) -> None:
        """Set up the association as soon as DTLS is connected; later calls do nothing.

        Args:
            remote_port: `a=sctp-port` of the other end.
            max_message_size: `a=max-message-size` of the other end; 0 for no limit.

        Source: RFC 8841 sections 5 and 6.
        """
        if self._remote is None and not self._is_closed:
            self._remote = (remote_port, max_message_size)
            self.transport_connected()

    def open(
        self,
        label: str,
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
        protocol: str = "",
    ) -> DataChannel:
        """Open a channel; it is negotiated once the association is up.

        Args:
            label: ASCII only: aiortc 1.16 states its length in characters, not bytes.
            ordered: Whether messages keep their order.
            max_retransmits: Give up a message after so many repeats.
            max_packet_life_time: Give up a message after so many milliseconds.
            protocol: ASCII only.

        Raises:
            InvalidArgumentError: A label or protocol that is not ASCII, or both limits given.
            InvalidStateError: The connection is closed, or has `MAX_CHANNELS` channels.
        """
        if not (label.isascii() and protocol.isascii()):
            raise InvalidArgumentError("label and protocol must be ASCII", stage=Stage.DATA)
        if max_retransmits is not None and max_packet_life_time is not None:
            raise InvalidArgumentError(
                "give max_retransmits or max_packet_life_time, not both", stage=Stage.DATA
            )
        if self._is_closed or len(self._channels) >= MAX_CHANNELS:
            reason = "closed" if self._is_closed else f"full ({MAX_CHANNELS} channels)"
            raise InvalidStateError(f"the data connection is {reason}", stage=Stage.DATA)
        channel = DataChannel(
            RTCDataChannelParameters(
                label=label,
                ordered=ordered,
                maxRetransmits=max_retransmits,
                maxPacketLifeTime=max_packet_life_time,
                protocol=protocol,
            ),
            self._channels.discard,
        )
        self._channels.add(channel)
        if self._sctp is not None:
            self._negotiate(self._sctp, channel)
        return channel

    def transport_connected(self) -> None:
        """Start SCTP if both sides of the condition hold; called by the endpoint."""
        if self._remote is None or self._sctp is not None or self._is_closed:
            return
        if self._transport.state != "connected":
            return
        port, max_message_size = self._remote
        sctp = self._sctp = SctpTransport(self._transport)
        sctp.on("datachannel", self._accept)
        for channel in self._channels:
            if channel.state is DataChannelState.CONNECTING:
                self._negotiate(sctp, channel)
        self._starting = asyncio.create_task(
            sctp.start(RTCSctpCapabilities(maxMessageSize=max_message_size), port)
        )

    def transport_closed(self) -> None:
        """Close all channels without a word to the other end; called by the endpoint."""
        self._is_closed = True
        if self._starting is not None:
            self._starting.cancel()
        if self._sctp is not None:
            self._sctp.abandon()
        for channel in tuple(self._channels):
            channel._closed()
        self._channels.clear()

    async def close(self) -> None:
        """Abort the association and close all channels. Closing again does nothing."""
        sctp = self._sctp
        if sctp is not None and not self._is_closed:
            await sctp.stop()
        self.transport_closed()
        if self._starting is not None:
            await asyncio.wait({self._starting})

    def _negotiate(self, sctp: SctpTransport, channel: DataChannel) -> None:
        channel._attach(RTCDataChannel(sctp, channel._parameters))

    def _accept(self, incoming: RTCDataChannel) -> None:
        channel = DataChannel(
            RTCDataChannelParameters(
                label=incoming.label,
                ordered=incoming.ordered,
                maxRetransmits=incoming.maxRetransmits,
                maxPacketLifeTime=incoming.maxPacketLifeTime,
                protocol=incoming.protocol,
            ),
            self._channels.discard,
        )
        channel._attach(incoming)
        if len(self._channels) >= MAX_CHANNELS:
            logger.warning("the other end opened more than %d data channels", MAX_CHANNELS)
            channel.close()
            return
        self._channels.add(channel)
        _contained(channel.label, self.on_channel, channel)


def _contained(label: str, callback: Callable[..., None] | None, *arguments: Any) -> None:
    """Call `callback`; its failure is the application's, the association goes on."""
    if callback is None:
        return
    try:
        callback(*arguments)
    except Exception:
        logger.exception("a callback of data channel %r failed", label)
