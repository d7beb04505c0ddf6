"""The private names of aiortc and pylibsrtp still exist and behave as assumed."""

from __future__ import annotations

import asyncio
import inspect

import aiortc
import pylibsrtp
import pytest
from aiortc import RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcsctptransport import RTCSctpTransport

from acs_core.aiortc_private import (
    SET_BY_INIT,
    DatagramPath,
    RateEstimator,
    send_without_waiting,
    session_handle,
    srtp_ffi,
    srtp_lib,
)
from acs_core.rtc.srtp import SrtpKeys, SrtpProfile
from acs_core.service.sfu.plane.state import open_session


def test_the_versions_are_those_that_were_read() -> None:
    assert aiortc.__version__.startswith("1.16.")
    assert pylibsrtp.__version__.startswith("1.")


@pytest.mark.parametrize(
    "name",
    [
        "_set_role",
        "_setup_srtp",
        "_validate_peer_identity",
        "_handle_rtcp_data",
        "_handle_rtp_data",
        "_write_ssl",
    ],
)
def test_the_dtls_transport_has_the_methods_we_use_or_replace(name: str) -> None:
    assert callable(getattr(RTCDtlsTransport, name))


@pytest.mark.parametrize("name", ["_srtp_profiles", "_ssl", "_tx_srtp", "_task", "_role"])
def test_the_dtls_transport_sets_the_attributes_we_use(name: str) -> None:
    assert f"self.{name}" in inspect.getsource(RTCDtlsTransport.__init__)


def test_the_receive_task_calls_what_we_replace() -> None:
    source = inspect.getsource(RTCDtlsTransport._recv_next)
    assert "self._handle_rtcp_data(data)" in source
    assert "self._handle_rtp_data(data, arrival_time_ms=" in source
    assert "data[0]" in source  # fails on an empty datagram; _NonEmptyPath can go when it does not


@pytest.mark.parametrize(
    "name", ["_handle_data", "_receive_chunk", "_send_chunk", "_set_state", "_update_rto"]
)
def test_the_sctp_transport_has_the_methods_we_use_or_replace(name: str) -> None:
    assert callable(getattr(RTCSctpTransport, name))
    assert RTCSctpTransport.State.CLOSED.name == "CLOSED"


def test_an_init_still_sets_what_we_restore() -> None:
    # When it does not in an association that is there, our `_receive_chunk` can go.
    source = inspect.getsource(RTCSctpTransport._receive_chunk)
    for name in SET_BY_INIT:
        assert f"self.{name}" in source or name == "_remote_extensions"
    assert "self._remote_extensions =" in inspect.getsource(RTCSctpTransport._get_extensions)
    assert "self._rto =" in inspect.getsource(RTCSctpTransport._update_rto)


async def test_an_ice_transport_is_a_datagram_path() -> None:
    gatherer = RTCIceGatherer()
    path: DatagramPath = RTCIceTransport(gatherer)
    assert path.role in ("controlling", "controlled")
    assert path.state == "new"
    with pytest.raises(ConnectionError):
        await path._recv()
    assert send_without_waiting(path, b"x") is False


async def test_a_path_that_would_wait_drops_the_packet() -> None:
    class Waiting:
        role = "controlling"
        state = "completed"

        async def _recv(self) -> bytes:
            return b""

        async def _send(self, data: bytes) -> None:
            await asyncio.get_running_loop().create_future()

    assert send_without_waiting(Waiting(), b"x") is False


def test_libsrtp_can_be_called_in_place_on_a_sessions_handle() -> None:
    keys = SrtpKeys(SrtpProfile.GCM_128, local=bytes(28), remote=bytes(28))
    packet = bytes([0x80, 96]) + bytes(30)
    expected = open_session(keys, is_inbound=False).protect(packet)
    buffer = srtp_ffi.new("unsigned char[]", packet + bytes(200))
    length = srtp_ffi.new("int *", len(packet))
    session = open_session(keys, is_inbound=False)
    assert srtp_lib.srtp_protect(session_handle(session), buffer, length) == 0
    assert bytes(srtp_ffi.buffer(buffer, length[0])) == expected


def test_removing_a_stream_takes_the_ssrc_in_host_order() -> None:
    keys = SrtpKeys(SrtpProfile.GCM_128, local=bytes(28), remote=bytes(28))
    session = open_session(keys, is_inbound=False)
    session.protect(bytes([0x80, 96]) + bytes(6) + (0x01020304).to_bytes(4) + b"payload")
    with pytest.raises(pylibsrtp.Error):
        session.remove_stream(0x04030201)
    session.remove_stream(0x01020304)


def test_the_rate_estimator_takes_seconds_and_returns_bits_per_second() -> None:
    estimator = RateEstimator()
    estimates = [
        estimator.add(1, int(number * 0.01 * 262144) & 0xFFFFFF, 1000, number * 0.01)
        for number in range(800)
    ]
    found = [estimate for estimate in estimates if estimate is not None]
    assert found
    assert all(100_000 < estimate < 3_000_000 for estimate in found)
