"""The client's media connections: one that publishes, one that subscribes.

Theory of operation. A peer joins an ICE leg, a DTLS endpoint, a negotiation and the streams on
them; the session above carries offers and answers and hears of states. `connecting` begins with
the first description of the other end; `connected` and `silent` alternate with what is heard
(media, feedback or consent checks, at least one per second); `failed` and `closed` are final.
A peer never repairs itself: after `silent` or `failed` the session makes a new one.

Closing goes from the streams down: senders and receivers, data channels and DTLS, sockets.

Source: RFC 8829 for who offers what; draft-alvestrand-rmcat-remb-03 for bandwidth.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidStateError,
    MediaError,
    Stage,
    TransportError,
)
from acs_core.media.ice import IceLeg, IceServer
from acs_core.media.negotiated import DataParameters
from acs_core.media.stats import PathStats
from acs_core.rtc.dtls import DataChannel, DtlsEndpoint
from acs_core.rtc.feedback import RtcpPacket
from acs_core.rtc.sdp import LocalTransport, RemoteTransport

__all__ = ["MediaPeer", "PeerSettings", "PeerState"]

logger = logging.getLogger(__name__)

CLOSE_DEADLINE: Final = 1.0
"""Seconds for the end of streams, and again for that of the transport."""
WATCHES_PER_SILENCE: Final = 10


class PeerState(StrEnum):
    """State of a media connection."""

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "silent"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PeerSettings:
    """What can be adjusted, mostly by tests.

    Attributes:
        ice_servers: None are needed towards a service with a reachable address.
        silence: Seconds without any datagram until `silent`.
        ice_timeout: Seconds.
        dtls_timeout: Seconds.
        is_relay_only: Use candidates of TURN servers only (RFC 9429 section 3.5.3).
        is_dscp_enabled: Mark packets for routers (RFC 8837).
    """

    ice_servers: tuple[IceServer, ...] = ()
    silence: float = 3.5
    ice_timeout: float = 10.0
    dtls_timeout: float = 10.0
    is_relay_only: bool = False
    is_dscp_enabled: bool = False


class MediaPeer:
    """What both connections have in common; see `PublishPeer` and `SubscribePeer`."""

    def __init__(
        self,
        *,
        settings: PeerSettings | None = None,
        on_state: Callable[[PeerState, CallingError | None], None] | None = None,
    ) -> None:
        """Prepare; nothing is opened before `open`.

        Args:
            settings: See there.
            on_state: Called with each new state and, for `silent` and `failed`, the reason.
        """
        self._settings = settings or PeerSettings()
        self._on_state = on_state
        self._state = PeerState.NEW
        self._loop = asyncio.get_running_loop()
        self._leg = IceLeg(
            self._settings.ice_servers,
            is_relay_only=self._settings.is_relay_only,
            is_dscp_enabled=self._settings.is_dscp_enabled,
        )
        self._endpoint = DtlsEndpoint(
            self._leg,
            role="client",
            on_rtp=self._rtp_arrived,
            on_rtcp=self._rtcp_arrived,
            on_state=self._endpoint_changed,
        )
        self._opening: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._outcome: asyncio.Future[None] = self._loop.create_future()
        self._session_id = secrets.randbits(62)
        self._started: float | None = None
        self._ice_connected: float | None = None
        self._dtls_connected: float | None = None

    @property
    def state(self) -> PeerState:
        """The state as of now."""
        return self._state

    @property
    def silence(self) -> float:
        """Seconds since anything was heard of the other end; 0 before the first datagram."""
        return self._leg.silent_for(self._loop.time()) or 0.0

    @property
    def path(self) -> PathStats:
        """How the connection came about."""
        return replace(
            self._leg.path,
            started=self._started,
            ice_connected=self._ice_connected,
            connected=self._dtls_connected,
        )

    async def open(self) -> None:
        """Open sockets and gather candidates; called by itself before the first description.

        Raises:
            TransportError: No socket could be opened.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._leg.gather(), name="gather")
        # Shielded: several may wait for it, and one of them may be canceled.
        await asyncio.shield(self._opening)

    async def connected(self, timeout: float) -> None:
        """Return when media can flow.

        Raises:
            DeadlineError: Not within `timeout` seconds.
            CallingError: Why the connection failed.
        """
        done, _ = await asyncio.wait({self._outcome}, timeout=timeout)
        if not done:
            raise DeadlineError(
                f"The media connection is still {self._state} after {timeout:g} s.",
                stage=Stage.ICE,
                next_step="Check that UDP reaches the service's media port, or use TURN.",
            )
        self._outcome.result()

    def open_channel(
        self,
        label: str,
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        max_packet_life_time: int | None = None,
        protocol: str = "",
    ) -> DataChannel:
        """Open a data channel; messages wait until it is open.

        Args:
            label: Its name.
            ordered: Deliver in order.
            max_retransmits: How often a message is repeated; None for as often as needed.
            max_packet_life_time: Milliseconds for which it is repeated.
            protocol: Free text for the other end.

        Raises:
            InvalidArgumentError: The options exclude each other.
            InvalidStateError: The connection is closed.
        """
        return self._endpoint.data.open(
            label,
            ordered=ordered,
            max_retransmits=max_retransmits,
            max_packet_life_time=max_packet_life_time,
            protocol=protocol,
        )

    async def close(self) -> None:
        """End everything within 2 s, also when the network does not answer. Safe to repeat."""
        if self._closing is None:
            self._set_state(PeerState.CLOSED, None)
            self._closing = asyncio.create_task(self._close(), name="close connection")
        # Shielded: who waits may be canceled, and nobody else would close the rest.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        # All that runs is told to end before anything is waited for: what is late still ends.
        for task in self._tasks:
            task.cancel()
        self._stop_streams()
        try:
            await self._close_in_time(self._end_tasks(), self._close_streams())
            await self._close_in_time(self._endpoint.close())
        finally:
            await self._leg.close()

    async def _close_in_time(self, *parts: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.timeout(CLOSE_DEADLINE):
                await asyncio.gather(*parts)
        except TimeoutError:
            logger.warning("a media connection did not close in time")

    def _stop_streams(self) -> None:
        """Tell senders or receivers to end."""

    async def _close_streams(self) -> None:
        """Wait for the end of senders or receivers."""

    def _rtp_arrived(self, data: bytes, now: float) -> None:
        """Take one decrypted RTP packet."""

    def _rtcp_arrived(self, packets: Sequence[RtcpPacket]) -> None:
        """Take one compound packet."""

    async def _local_transport(self) -> LocalTransport:
        self._require_open()
        await self.open()
        ice = self._leg.parameters
        return LocalTransport(ice.ufrag, ice.pwd, self._leg.candidates, self._endpoint.fingerprint)

    def _require_open(self) -> None:
        if self._state in (PeerState.CLOSED, PeerState.FAILED):
            raise InvalidStateError(f"The media connection is {self._state}.")

    def _remote_described(
        self, transport: RemoteTransport | None, data: DataParameters | None
    ) -> None:
        """Start connecting with the first description; later ones change only the streams."""
        if transport is not None and self._state is PeerState.NEW:
            self._set_state(PeerState.CONNECTING, None)
            self._own(self._establish(transport), "connect")
        if data is not None:
            self._endpoint.data.start(data.sctp_port, data.max_message_size)

    def _own(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(coroutine, name=name))

    async def _establish(self, remote: RemoteTransport) -> None:
        settings = self._settings
        self._started = self._loop.time()
        try:
            await self._leg.connect(remote.ice, remote.candidates, timeout=settings.ice_timeout)
            self._ice_connected = self._loop.time()
            await self._endpoint.connect(remote.fingerprints, timeout=settings.dtls_timeout)
            self._dtls_connected = self._loop.time()
        except CallingError as error:
            self._set_state(PeerState.FAILED, error)
            return
        except Exception as error:
            logger.exception("connecting failed")
            self._set_state(
                PeerState.FAILED, MediaError(f"Connecting failed: {error}.", stage=Stage.DTLS)
            )
            return
        self._set_state(PeerState.CONNECTED, None)
        await self._watch()

    async def _watch(self) -> None:
        """Tell `silent` from `connected` by what the leg hears."""
        limit = self._settings.silence
        while self._state in (PeerState.CONNECTED, PeerState.SILENT):
            await asyncio.sleep(limit / WATCHES_PER_SILENCE)
            silence = self.silence
            if silence <= limit:
                self._set_state(PeerState.CONNECTED, None)
            elif self._state is PeerState.CONNECTED:
                reason = TransportError(
                    f"Nothing was heard from the service for {silence:.1f} s.", stage=Stage.ICE
                )
                self._set_state(PeerState.SILENT, reason)

    def _endpoint_changed(self, state: str) -> None:
        is_up = self._state in (PeerState.CONNECTED, PeerState.SILENT)
        if is_up and state in ("closed", "failed"):
            error = TransportError("The service closed the media connection.", stage=Stage.DTLS)
            self._set_state(PeerState.FAILED, error)

    def _set_state(self, state: PeerState, reason: CallingError | None) -> None:
        if state is self._state or self._state is PeerState.CLOSED:
            return
        if self._state is PeerState.FAILED and state is not PeerState.CLOSED:
            return
        self._state = state
        self._settle(state, reason)
        if self._on_state is not None:
            try:
                self._on_state(state, reason)
            except Exception:
                logger.exception("a listener for the state of a media connection failed")

    def _settle(self, state: PeerState, reason: CallingError | None) -> None:
        if self._outcome.done():
            return
        if state is PeerState.CONNECTED:
            self._outcome.set_result(None)
        elif state in (PeerState.FAILED, PeerState.CLOSED):
            error = reason or InvalidStateError("The media connection was closed.")
            self._outcome.set_exception(error)
            # Nobody has to wait for it.
            self._outcome.exception()

    async def _end_tasks(self) -> None:
        # The opening is not canceled: aioice would lose the sockets that it is about to open.
        opening = [] if self._opening is None else [self._opening]
        tasks, self._tasks = self._tasks, []
        if waited := [*opening, *tasks]:
            await asyncio.wait(waited)
