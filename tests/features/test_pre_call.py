"""The test before a call, on a real service and without one."""

from __future__ import annotations

import asyncio

import pytest

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CallingError,
    DeviceAccess,
    DeviceAvailabilityGrade,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    PermissionPolicy,
    PreCallTimes,
    QualityGrade,
    RunOptions,
)
from acs_core.media.sources import ToneSource
from tests.support.calls import credential as no_token
from tests.support.events import next_event, until
from tests.support.people import Meeting, meeting


def client_of(
    place: Meeting, **options: object
) -> tuple[CallClient, AzureCommunicationTokenCredential]:
    _, token = place.server.issue_user_token()
    chosen = CallClientOptions(service_url=place.url, sample_interval=0.2, **options)  # type: ignore[arg-type]
    return CallClient(chosen), AzureCommunicationTokenCredential(token.token)


@pytest.mark.feature(
    "PREFLIGHT-005",
    "PREFLIGHT-006",
    "PREFLIGHT-007",
    "PREFLIGHT-008",
    "PREFLIGHT-009",
    "PREFLIGHT-010",
    "PREFLIGHT-011",
)
async def test_a_test_call_grades_network_and_devices() -> None:
    async with meeting() as place:
        client, credential = client_of(place, permissions=PermissionPolicy(video=False))
        async with client:
            (await client.get_device_manager()).add_virtual_microphone("tone", ToneSource)
            feature = client.feature(Features.PRE_CALL_DIAGNOSTICS)
            assert client.feature(Features.PRE_CALL_DIAGNOSTICS) is feature
            feature.times = PreCallTimes(measure=1.5)
            result = await feature.start_test(credential)
            assert len(result.id) == 32
            assert result.device_access is not None
            assert await result.device_access == DeviceAccess(audio=True, video=False)
            assert result.device_enumeration is not None
            devices = await result.device_enumeration
            assert devices.microphone == "Available"
            assert {devices.camera, devices.speaker} <= set(DeviceAvailabilityGrade)
            assert result.browser_support is not None
            assert (await result.browser_support).browser == "Supported"
            assert result.call_media_statistics is not None
            statistics = await result.call_media_statistics
            collector = statistics.create_collector()
            await next_event(collector, "sampleReported", lambda one: bool(one.video.receive))
            assert result.in_call_diagnostics is not None
            async with asyncio.timeout(20):
                found = await result.in_call_diagnostics
            assert found.connected
            grades = [found.band_width]
            for part in (found.diagnostics.audio, found.diagnostics.video):
                grades += [part.jitter, part.packet_loss, part.rtt]
            assert QualityGrade.UNKNOWN not in grades
            assert found.diagnostics.audio.packet_loss == "Good"
            # Both calls of the test are over.
            await until(lambda: not place.server.calls.live)


async def test_a_user_with_a_twilio_token_is_in_the_test_call_twice() -> None:
    async with meeting() as place:
        credential = AzureCommunicationTokenCredential(place.server.access_token("ann"))
        async with CallClient(CallClientOptions(service_url=place.url)) as client:
            feature = client.feature(Features.PRE_CALL_DIAGNOSTICS)
            feature.times = PreCallTimes(measure=1.5)
            result = await feature.start_test(credential)
            assert result.in_call_diagnostics is not None
            async with asyncio.timeout(20):
                assert (await result.in_call_diagnostics).connected


async def test_only_what_is_asked_for_is_tested() -> None:
    async with CallClient() as client:
        feature = client.feature(Features.PRE_CALL_DIAGNOSTICS)
        result = await feature.start_test(
            no_token(), RunOptions(in_call_diagnostics=False, call_media_statistics=False)
        )
        assert result.in_call_diagnostics is None
        assert result.call_media_statistics is None
        assert result.device_access is not None
        assert (await result.device_access).audio


async def test_a_service_that_is_not_there_is_a_documented_error() -> None:
    async with meeting() as place:
        client, credential = client_of(place)
    async with client:
        result = await client.feature(Features.PRE_CALL_DIAGNOSTICS).start_test(credential)
        for part in (result.in_call_diagnostics, result.call_media_statistics):
            assert part is not None
            with pytest.raises(CallingError) as caught:
                await part
            assert (caught.value.code, caught.value.sub_code) == (500, 45703)


async def test_a_test_that_is_not_connected_in_time_ends_with_its_client() -> None:
    async with meeting() as place:
        client, credential = client_of(place)
        async with client:
            feature = client.feature(Features.PRE_CALL_DIAGNOSTICS)
            feature.times = PreCallTimes(connect=0.0)
            result = await feature.start_test(credential)
            assert result.in_call_diagnostics is not None
            with pytest.raises(CallingError) as caught:
                await result.in_call_diagnostics
            assert (caught.value.code, caught.value.sub_code) == (408, 45708)
            feature.times = PreCallTimes()
            again = await feature.start_test(credential)
        assert again.in_call_diagnostics is not None
        with pytest.raises((asyncio.CancelledError, CallingError)):
            await again.in_call_diagnostics
        with pytest.raises(InvalidStateError):
            client.feature(Features.PRE_CALL_DIAGNOSTICS)


async def test_features_of_calls_are_no_features_of_clients() -> None:
    async with CallClient() as client:
        with pytest.raises(InvalidArgumentError):
            client.feature(Features.MEDIA_STATS)  # type: ignore[arg-type]
