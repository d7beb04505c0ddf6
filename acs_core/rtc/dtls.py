"""DTLS, SRTCP and SCTP of one media connection: the adapter over aiortc's transports.

Both ends of a connection use it. The client gives `on_rtp` and sends RTP through `send_rtp`;
the service leaves RTP to its data plane, which gets the keys that `connect` returns.

Source: RFC 5764 (DTLS-SRTP), RFC 8122 (fingerprints), RFC 8261 (SCTP over DTLS).
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence

import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters

from acs_core.aiortc_private import DatagramPath, DtlsTransport
from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MalformedPacketError,
    Stage,
    TransportError,
)
from acs_core.rtc.data import DataChannel, DataChannels
from acs_core.rtc.feedback import RtcpPacket, pack_compound, parse_compound
from acs_core.rtc.sdp import Fingerprint
from acs_core.rtc.srtp import PREFERRED_PROFILES, SrtpKeys, SrtpProfile

__all__ = [
    "DataChannel",
    "DataChannels",
    "DatagramPath",
    "DtlsEndpoint",
    "SrtpKeys",
    "SrtpProfile",
    "process_certificate",
]

logger = logging.getLogger(__name__)

MAX_RTCP_SIZE = 1200
"""Bytes of a compound packet before encryption, so that it fits every path's MTU."""


@functools.cache
def process_certificate() -> RTCCertificate:
    """Return the certificate of this process.

    One for all connections: generating it costs more than a handshake, and a peer identifies it
    by its fingerprint alone (RFC 8122 section 5), so its validity period does not matter.
    """
    return RTCCertificate.generateCertificate()


class DtlsEndpoint:
    """One end of a DTLS association on a datagram path.

    `connect` once, `close` once; the owner of the path closes the path afterwards.

    Attributes:
        data: The data channels; they start with `data.start`.
        malformed_rtcp: How many decrypted compound packets could not be read.
    """

    def __init__(
        self,
        path: DatagramPath,
        *,
        role: str,
        on_rtcp: Callable[[list[RtcpPacket]], None],
        on_rtp: Callable[[bytes, float], None] | None = None,
        on_state: Callable[[str], None] | None = None,
        certificate: RTCCertificate | None = None,
        profiles: Sequence[SrtpProfile] = PREFERRED_PROFILES,
    ) -> None:
        """Prepare an association; nothing is sent before `connect`.

        Args:
            path: Where datagrams come from and go to.
            role: ``"client"`` (sends the first message) or ``"server"``.
            on_rtcp: Called with each compound packet, parsed.
            on_rtp: Called with each decrypted RTP packet and its arrival in seconds of the
                event loop's clock; None when a data plane takes RTP off the path before.
            on_state: Called with each new `state`.
            certificate: Instead of that of the process.
            profiles: SRTP profiles, most wanted first; the server's order counts.
        """
        if role not in ("client", "server"):
            raise InvalidArgumentError(f"role {role!r} is neither 'client' nor 'server'")
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._on_state = on_state
        self._certificate = certificate or process_certificate()
        self._transport = DtlsTransport(
            path,
            self._certificate,
            role=role,
            profiles=profiles,
            on_rtp=None if on_rtp is None else self._rtp_arrived,
            on_rtcp=self._rtcp_arrived,
        )
        self._transport.on("statechange", self._transport_changed)
        self._state = "new"
        self._is_closing = False
        self._handshake: asyncio.Task[None] | None = None
        self.data = DataChannels(self._transport)
        self.malformed_rtcp = 0

    @property
    def state(self) -> str:
        """``"new"``, ``"connecting"``, ``"connected"``, ``"closed"`` or ``"failed"``."""
        return self._state

    @property
    def fingerprint(self) -> Fingerprint:
        """Our certificate's SHA-256 fingerprint, for the SDP."""
        found = next(
            item for item in self._certificate.getFingerprints() if item.algorithm == "sha-256"
        )
        return Fingerprint(found.algorithm, found.value)

    async def connect(self, remote: Sequence[Fingerprint], *, timeout: float) -> SrtpKeys:
        """Perform the handshake and return the keys of the media.

        Args:
            remote: What the other end's SDP says about its certificate.
            timeout: Seconds; a failed attempt ends the endpoint.

        Raises:
            InvalidStateError: Called before, or closed.
            InvalidArgumentError: No fingerprint.
            DeadlineError: The other end did not answer in time.
            TransportError: The handshake failed, the certificate is not the announced one, or
                the endpoint was closed meanwhile.
        """
        if self._state != "new" or self._handshake is not None:
            raise InvalidStateError(f"the DTLS endpoint is {self._state}", stage=Stage.DTLS)
        if not remote:
            raise InvalidArgumentError("no fingerprint to verify the other end with")
        parameters = RTCDtlsParameters(
            fingerprints=[RTCDtlsFingerprint(item.algorithm, item.value) for item in remote]
        )
        task = self._handshake = asyncio.create_task(self._transport.start(parameters))
        try:
            await asyncio.wait({task}, timeout=timeout)
            has_timed_out = not task.done()
        finally:
            task.cancel()
        if has_timed_out:
            await self._fail()
            raise DeadlineError(
                f"the DTLS handshake did not finish within {timeout:g} s",
                stage=Stage.DTLS,
                next_step="Check that UDP reaches the other end in both directions.",
            )
        if self._transport.keys is None or self._transport.state != "connected":
            error = self._handshake_error(task)
            await self._fail()
            raise error
        return self._transport.keys

    def send_rtp(self, data: bytes) -> None:
        """Encrypt and send one RTP packet; dropped unless connected, or if the path is full.

        Raises:
            InvalidArgumentError: The packet is longer than 1,356 bytes.
        """
        if self._state != "connected":
            return
        try:
            self._transport.send_rtp(data)
        except ValueError as error:
            raise InvalidArgumentError(f"RTP packet: {error}", stage=Stage.MEDIA) from error
        except pylibsrtp.Error as error:
            logger.debug("an RTP packet was not sent: %s", error)

    def send_rtcp(self, packets: Sequence[RtcpPacket]) -> None:
        """Encrypt and send `packets`, in several compounds if needed; dropped unless connected."""
        if self._state != "connected" or not packets:
            return
        data = pack_compound(packets)
        if len(data) > MAX_RTCP_SIZE and len(packets) > 1:
            middle = len(packets) // 2
            self.send_rtcp(packets[:middle])
            self.send_rtcp(packets[middle:])
            return
        try:
            self._transport.send_rtcp(data)
        except (ValueError, pylibsrtp.Error) as error:
            logger.debug("an RTCP packet of %d bytes was not sent: %s", len(data), error)

    async def close(self) -> None:
        """Tell the other end and release everything. Closing again does nothing."""
        self._is_closing = True
        if self._handshake is not None and not self._handshake.done():
            self._handshake.cancel()
            await asyncio.wait({self._handshake})
        await self.data.close()
        await self._transport.shut_down()
        self._set_state("closed")
        self._transport.remove_all_listeners()

    async def _fail(self) -> None:
        if not self._is_closing:
            self._set_state("failed")
        await self.close()

    def _handshake_error(self, task: asyncio.Task[None]) -> CallingError:
        if self._transport.has_identity_mismatch:
            return TransportError(
                "the other end's certificate is not the one its SDP announced",
                stage=Stage.DTLS,
                next_step="Somebody may be in between, or the SDP belongs to another connection.",
            )
        if self._is_closing:
            return TransportError("the DTLS endpoint was closed", stage=Stage.DTLS)
        error = TransportError("the DTLS handshake failed", stage=Stage.DTLS)
        error.__cause__ = task.exception()
        return error

    def _transport_changed(self) -> None:
        state = self._transport.state
        if state == "connected":
            # After SRTP is set up: a listener may send at once.
            self._set_state(state)
            self.data.transport_connected()
            return
        if state in ("closed", "failed"):
            self.data.transport_closed()
        self._set_state(state)

    def _set_state(self, state: str) -> None:
        if state == self._state or self._state in ("closed", "failed"):
            return
        self._state = state
        if self._on_state is None:
            return
        try:
            self._on_state(state)
        except Exception:
            logger.exception("the state callback of a DTLS endpoint failed")

    def _rtp_arrived(self, data: bytes) -> None:
        assert self._on_rtp is not None
        try:
            self._on_rtp(data, asyncio.get_running_loop().time())
        except Exception:
            logger.exception("the RTP callback of a DTLS endpoint failed")

    def _rtcp_arrived(self, data: bytes) -> None:
        try:
            packets = parse_compound(data)
        except MalformedPacketError as error:
            self.malformed_rtcp += 1
            logger.debug("a compound RTCP packet of %d bytes was dropped: %s", len(data), error)
            return
        try:
            self._on_rtcp(packets)
        except Exception:
            logger.exception("the RTCP callback of a DTLS endpoint failed")
