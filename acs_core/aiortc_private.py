"""Every private name of aiortc and pylibsrtp that this package touches, and nothing else.

Read in aiortc 1.16.0 and pylibsrtp 1.0.0. `tests/acs_core/test_aiortc_private.py` asserts that
each name still exists and behaves as assumed here, so that a new version fails there first.

========================================== =====================================================
name                                       why there is no public way
========================================== =====================================================
RTCDtlsTransport._set_role                 the role is otherwise derived from the ICE role
RTCDtlsTransport._srtp_profiles            order of the offered SRTP profiles
RTCDtlsTransport._setup_srtp, _ssl         the keys, for a data plane with its own sessions
RTCDtlsTransport._validate_peer_identity   to tell a wrong certificate from a failed handshake
RTCDtlsTransport._handle_rtcp_data,        decrypted packets as bytes instead of its RTP router
  _handle_rtp_data
RTCDtlsTransport._tx_srtp                  to protect RTP and RTCP without a coroutine
RTCDtlsTransport._task                     to wait for its end
RTCDtlsTransport._write_ssl                to send an alert after a refused certificate
RTCSctpTransport._handle_data, _send_chunk to contain what hostile bytes and a closed path raise
RTCSctpTransport._set_state, State         to end an association whose path is gone
RTCSctpTransport._update_rto, _rto         to wait less for an answer than a starved loop makes it
RTCSctpTransport._receive_chunk, InitChunk,  to keep an association that is there when the other end
  _last_received_tsn, and the like         repeats its INIT
RTCIceTransport._recv, _send               the datagram path (also duck-typed by our ICE-lite)
aiortc.rate.RemoteBitrateEstimator         undocumented module
pylibsrtp.Session._srtp                    the libsrtp handle, for calls that work in place
pylibsrtp._binding                         the cffi binding to libsrtp
========================================== =====================================================
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, Protocol, cast

import pylibsrtp
from aiortc import RTCIceTransport
from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from aiortc.rtcsctptransport import Chunk, InitChunk, RTCSctpTransport
from OpenSSL import SSL
from pylibsrtp._binding import ffi as srtp_ffi
from pylibsrtp._binding import lib as srtp_lib

from acs_core.rtc.srtp import SrtpKeys, SrtpProfile

__all__ = [
    "DatagramPath",
    "DtlsTransport",
    "RateEstimator",
    "SctpTransport",
    "send_without_waiting",
    "session_handle",
    "srtp_ffi",
    "srtp_lib",
]

logger = logging.getLogger(__name__)

_PROFILES = {
    SrtpProfile.GCM_128: SRTP_AEAD_AES_128_GCM,
    SrtpProfile.CM_SHA1_80: SRTP_AES128_CM_SHA1_80,
}


LONGEST_RTO: Final = 3.0
"""Seconds until an unconfirmed message is sent again, at most; Chromium bounds its timers so."""

SET_BY_INIT: Final = (
    "_inbound_streams_count",
    "_last_received_tsn",
    "_outbound_streams_count",
    "_reconfig_response_seq",
    "_remote_extensions",
    "_ssthresh",
)


class DatagramPath(Protocol):
    """What a DTLS endpoint stands on: `RTCIceTransport`, or a path of our UDP port."""

    @property
    def role(self) -> str:
        """``"controlling"`` or ``"controlled"``."""
        ...

    @property
    def state(self) -> str:
        """State of the ICE transport, as the W3C spells it."""
        ...

    async def _recv(self) -> bytes:
        """Return the next datagram that is not STUN.

        Raises:
            ConnectionError: The path was closed.
        """
        ...

    async def _send(self, data: bytes) -> None:
        """Send one datagram; it may be lost.

        Raises:
            ConnectionError: The path is not connected or was closed.
        """
        ...


def send_without_waiting(path: DatagramPath, data: bytes) -> bool:
    """Send `data` now or not at all, without an event loop turn.

    `RTCIceTransport._send` is a coroutine that only waits while a TURN channel is being bound;
    a media packet that would have to wait for that is dropped, as a network would.

    Returns:
        True when the datagram was handed to the socket.
    """
    coroutine: Coroutine[Any, Any, None] = path._send(data)
    try:
        coroutine.send(None)
    except StopIteration:
        return True
    except ConnectionError:
        return False
    coroutine.close()
    return False


class _NonEmptyPath:
    """A path without empty datagrams, on which aiortc 1.16 ends its receive task (`data[0]`)."""

    def __init__(self, path: DatagramPath) -> None:
        self._path = path
        self._send = path._send

    @property
    def role(self) -> str:
        return self._path.role

    @property
    def state(self) -> str:
        return self._path.state

    async def _recv(self) -> bytes:
        while True:
            data = await self._path._recv()
            if data:
                return data


class DtlsTransport(RTCDtlsTransport):
    """`RTCDtlsTransport` that hands out keys and decrypted packets, and routes nothing.

    Attributes:
        keys: What was negotiated; None before `state` is ``"connected"``.
        has_identity_mismatch: The handshake failed because of the other end's certificate.
    """

    def __init__(
        self,
        path: DatagramPath,
        certificate: RTCCertificate,
        *,
        role: str,
        profiles: Sequence[SrtpProfile],
        on_rtp: Callable[[bytes], None] | None,
        on_rtcp: Callable[[bytes], None],
    ) -> None:
        super().__init__(cast("RTCIceTransport", _NonEmptyPath(path)), [certificate])
        self._set_role(role)
        self._srtp_profiles = [_PROFILES[profile] for profile in profiles]
        self._path = path
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self.keys: SrtpKeys | None = None
        self.has_identity_mismatch = False

    def send_rtp(self, data: bytes) -> bool:
        """Protect and send one RTP packet; False when it was dropped."""
        return send_without_waiting(self._path, self._tx_srtp.protect(data))

    def send_rtcp(self, data: bytes) -> bool:
        """Protect and send one compound RTCP packet; False when it was dropped."""
        return send_without_waiting(self._path, self._tx_srtp.protect_rtcp(data))

    async def shut_down(self) -> None:
        """Tell the other end, stop, and return when the receive task has ended."""
        task = self._task
        if self.has_identity_mismatch and self._ssl is not None:
            # aiortc leaves the other end in the belief that it is connected.
            with contextlib.suppress(SSL.Error, ConnectionError):
                self._ssl.shutdown()
                await self._write_ssl()
        await self.stop()
        if task is not None:
            await asyncio.wait({task})
            if not task.cancelled() and (error := task.exception()) is not None:
                logger.warning("the DTLS receive task ended with %r", error)

    def _validate_peer_identity(self, remoteParameters: RTCDtlsParameters) -> None:  # noqa: N803
        super()._validate_peer_identity(remoteParameters)
        self.has_identity_mismatch = self.state == "failed"

    def _setup_srtp(self) -> None:
        super()._setup_srtp()
        if self.state == "failed" or self._ssl is None:
            return
        name = self._ssl.get_selected_srtp_profile().decode("ascii")
        profile = SrtpProfile(name)
        sizes = _PROFILES[profile]
        # RFC 5764 section 4.2: client key, server key, client salt, server salt.
        material = self._ssl.export_keying_material(
            b"EXTRACTOR-dtls_srtp", 2 * (sizes.key_length + sizes.salt_length)
        )
        client = sizes.get_key_and_salt(material, 0)
        server = sizes.get_key_and_salt(material, 1)
        is_server = self._role == "server"
        self.keys = SrtpKeys(
            profile,
            local=server if is_server else client,
            remote=client if is_server else server,
        )

    async def _handle_rtcp_data(self, data: bytes) -> None:
        self._on_rtcp(data)

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        if self._on_rtp is not None:
            self._on_rtp(data)


class SctpTransport(RTCSctpTransport):
    """`RTCSctpTransport` that survives hostile bytes and a path that is gone.

    Attributes:
        malformed: How many packets were given up because they broke the parser.
    """

    malformed = 0

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except Exception as error:
            # Its handlers assert what the peer should do; a raised error would end the
            # receive task of DTLS, and with it the media of the connection.
            self.malformed += 1
            logger.debug("an SCTP packet of %d bytes was dropped: %r", len(data), error)

    async def _send_chunk(self, chunk: Chunk) -> None:
        # Timers send from tasks nobody waits for; a chunk without a path is a lost chunk.
        with contextlib.suppress(ConnectionError):
            await super()._send_chunk(chunk)

    def _update_rto(self, R: float) -> None:  # noqa: N803
        # What is measured includes the time for which either loop was busy with something else; a
        # message that is lost behind such a measurement would come a minute late.
        super()._update_rto(R)
        self._rto = min(self._rto, LONGEST_RTO)

    async def _receive_chunk(self, chunk: Chunk) -> None:
        if not (
            isinstance(chunk, InitChunk)
            and self._association_state == self.State.ESTABLISHED
            and chunk.initiate_tag == self._remote_verification_tag
        ):
            await super()._receive_chunk(chunk)
            return
        # "the state of the association ... MUST NOT be changed" (RFC 9260 section 5.2.2); aiortc
        # 1.16 starts to count anew, and never confirms anything again.
        kept = {name: getattr(self, name) for name in SET_BY_INIT}
        await super()._receive_chunk(chunk)
        for name, value in kept.items():
            setattr(self, name, value)

    def abandon(self) -> None:
        """End the association and its channels and timers at once, telling nobody."""
        self._set_state(self.State.CLOSED)


class RateEstimator:
    """Receive-side bandwidth estimate of one sender's streams, from abs-send-time.

    Source: draft-alvestrand-rmcat-remb-03; draft-ietf-rmcat-gcc-02.
    """

    def __init__(self) -> None:
        self._estimator = RemoteBitrateEstimator()

    def add(self, ssrc: int, absolute_send_time: int, size: int, now: float) -> int | None:
        """Count one packet; return a new estimate in bits per second when there is one.

        Args:
            ssrc: The stream.
            absolute_send_time: The 24 bits of the header extension.
            size: Payload bytes.
            now: Arrival, seconds on any monotonic clock.
        """
        estimate = self._estimator.add(int(now * 1000), absolute_send_time, size, ssrc)
        return None if estimate is None else estimate[0]


def session_handle(session: pylibsrtp.Session) -> object:
    """Return the `srtp_t` of `session`; it lives as long as `session` does."""
    return session._srtp[0]
