"""The ACS programs of the migration guide: speakers, statistics, diagnostics and events."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from acs_core import (
    AzureCommunicationTokenCredential,
    CallClient,
    CallClientOptions,
    CollectionUpdate,
    CommunicationUserIdentifier,
    DeviceAccess,
    DiagnosticChangedEventArgs,
    DiagnosticQuality,
    DominantSpeakersInfo,
    Features,
    InvalidArgumentError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStatsCollectorOptions,
    MediaStatsReportSample,
    MediaStatsReportSummary,
    PreCallDiagnosticsResult,
    PreCallTimes,
)
from acs_core.media.sources import ToneSource
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import Meeting, camera, seen_by
from tests.support.proxies import tcp_proxy
from tests.support.snippets import Pair, user_id


@pytest.mark.feature("DOMSPK-003", "DOMSPK-004", "DOMSPK-005", "DOMSPK-006")
async def test_domspk_003_to_006_who_speaks(place: Meeting) -> None:
    """The guide uses a name of the feature that no package has, which is known here, too; and the
    list has identifiers, not ids."""
    anna, ben, cleo = [await place.user(name) for name in ("Anna", "Ben", "Cleo")]
    first = await anna.join(audio=LocalAudioStream(ToneSource(440.0)), muted=True)
    second = await ben.join(audio=LocalAudioStream(ToneSource(880.0)), muted=True)
    call = await cleo.join()
    await seen_by(call, 2)
    call_dominant_speakers_api = call.feature(Features.DOMINANT_SPEAKERS)
    assert call.feature(Features.CALL_DOMINANT_SPEAKERS) is call_dominant_speakers_api
    dominant_speakers: DominantSpeakersInfo = call_dominant_speakers_api.dominant_speakers
    seen = [dominant_speakers]

    def dominant_speakers_changed_handler() -> None:
        # The newest list; the event does not bring it.
        seen.append(call_dominant_speakers_api.dominant_speakers)

    call_dominant_speakers_api.on("dominantSpeakersChanged", dominant_speakers_changed_handler)
    await first.unmute()
    await until(lambda: seen[-1].speakers_list == (user_id(anna),))
    await first.mute()
    await second.unmute()
    await until(lambda: seen[-1].speakers_list == (user_id(ben), user_id(anna)))
    lists = [item.speakers_list for item in seen]
    assert all(one != two for one, two in itertools.pairwise(lists))
    times = [item.timestamp for item in seen]
    assert times == sorted(times)


@pytest.mark.feature("STATS-001", "STATS-003", "STATS-005", "STATS-006", "STATS-007")
async def test_stats_003_to_007_collect_statistics(place: Meeting) -> None:
    """The guide gives the collector options of a name that it has not defined, and writes the
    event of the summaries with too many letters in its text."""
    # The samples of a test come ten times a second, as `sample_interval` of its users says.
    anna, ben = await place.user("Anna"), await place.user("Ben")
    call = await anna.join(
        video=LocalVideoStream(camera(RED)), audio=LocalAudioStream(ToneSource())
    )
    await ben.join(video=LocalVideoStream(camera(BLUE)), audio=LocalAudioStream(ToneSource()))
    media_stats_feature = call.feature(Features.MEDIA_STATS)
    defaults = MediaStatsCollectorOptions()
    assert defaults == MediaStatsCollectorOptions(
        aggregation_interval=10, data_points_per_aggregation=6
    )
    media_stats_collector_options = MediaStatsCollectorOptions(
        aggregation_interval=2, data_points_per_aggregation=2
    )
    media_stats_collector = media_stats_feature.create_collector(media_stats_collector_options)
    samples: list[MediaStatsReportSample] = []
    summaries: list[tuple[int, MediaStatsReportSummary]] = []
    media_stats_collector.on("sampleReported", samples.append)
    media_stats_collector.on(
        "summaryReported", lambda summary: summaries.append((len(samples), summary))
    )

    def has_counted() -> bool:
        media = [samples[-1].audio, samples[-1].video] if samples else []
        counts = [item.packets for one in media for item in (*one.send, *one.receive)]
        return len(counts) == 4 and all(counts)

    await until(has_counted)
    await until(lambda: len(summaries) >= 2)
    assert [at for at, _ in summaries[:2]] == [4, 8]
    media_stats_collector.dispose()
    count = len(samples)
    other = media_stats_feature.create_collector()
    await next_event(other, "sampleReported")
    assert len(samples) == count
    for wrong, code in (
        (MediaStatsCollectorOptions(aggregation_interval=0), 45550),
        (MediaStatsCollectorOptions(data_points_per_aggregation=0), 45551),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            media_stats_feature.create_collector(wrong)
        assert (caught.value.code, caught.value.sub_code) == (400, code)


@pytest.mark.feature("STATS-004")
async def test_stats_004_a_sample_every_second(place: Meeting) -> None:
    anna = await place.user("Anna", sample_interval=1.0)
    call = await anna.join()
    collector = call.feature(Features.MEDIA_STATS).create_collector()
    loop = asyncio.get_running_loop()
    times: list[float] = []
    collector.on("sampleReported", lambda _: times.append(loop.time()))
    await until(lambda: len(times) == 3)
    assert times[2] - times[0] == pytest.approx(2.0, abs=0.6)


@pytest.mark.feature("DIAG-003", "DIAG-004", "DIAG-005", "DIAG-006")
async def test_diag_003_to_006_watch_diagnostics(place: Meeting) -> None:
    """The guide's comment names two diagnostics that are called differently: those of this test
    are real ones."""
    async with tcp_proxy(place.server.port) as proxy:
        anna = await Meeting(place.server, place.stack, proxy.url).user("Anna")
        call = await anna.join(audio=LocalAudioStream(ToneSource()), muted=True)
        user_facing_diagnostics = call.feature(Features.USER_FACING_DIAGNOSTICS)
        logged: list[str] = []

        def diagnostic_changed_listener(diagnostic_info: DiagnosticChangedEventArgs) -> None:
            if diagnostic_info.value_type == "DiagnosticQuality":
                if diagnostic_info.value == DiagnosticQuality.BAD:
                    logged.append(f"{diagnostic_info.diagnostic} is bad quality")
                elif diagnostic_info.value == DiagnosticQuality.POOR:
                    logged.append(f"{diagnostic_info.diagnostic} is poor quality")
            elif diagnostic_info.value_type == "DiagnosticFlag" and diagnostic_info.value is True:
                logged.append(diagnostic_info.diagnostic)

        user_facing_diagnostics.network.on("diagnosticChanged", diagnostic_changed_listener)
        user_facing_diagnostics.media.on("diagnosticChanged", diagnostic_changed_listener)
        await until(lambda: "speakingWhileMicrophoneIsMuted" in logged)
        proxy.cut()
        await until(lambda: "networkReconnect is bad quality" in logged)
        latest = user_facing_diagnostics.network.get_latest()
        assert latest["networkReconnect"].value is DiagnosticQuality.BAD
        assert latest["noNetwork"].value is True
        proxy.restore()
        await until(lambda: latest["networkReconnect"].value is DiagnosticQuality.GOOD)
        assert [int(item) for item in DiagnosticQuality] == [1, 2, 3]


@pytest.mark.feature(
    "PREFLIGHT-005",
    "PREFLIGHT-006",
    "PREFLIGHT-007",
    "PREFLIGHT-008",
    "PREFLIGHT-009",
    "PREFLIGHT-010",
    "PREFLIGHT-011",
)
async def test_preflight_005_to_011_test_before_a_call(place: Meeting) -> None:
    _, issued = place.server.issue_user_token()
    # Ten times as fast as it comes by itself.
    async with CallClient(CallClientOptions(sample_interval=0.1)) as call_client:
        token_credential = AzureCommunicationTokenCredential(issued.token)
        pre_call = call_client.feature(Features.PRE_CALL_DIAGNOSTICS)
        pre_call.times = PreCallTimes(measure=1.5)
        result: PreCallDiagnosticsResult = await pre_call.start_test(token_credential)

        assert result.id
        assert result.device_access is not None
        assert await result.device_access == DeviceAccess(audio=True, video=True)
        assert result.device_enumeration is not None
        devices = await result.device_enumeration
        grades = {"Available", "NotAvailable"}
        assert {str(devices.microphone), str(devices.camera), str(devices.speaker)} <= grades
        assert result.browser_support is not None
        assert (await result.browser_support).os == "Supported"
        assert result.call_media_statistics is not None
        statistics = await result.call_media_statistics
        await next_event(statistics.create_collector(), "sampleReported")
        assert result.in_call_diagnostics is not None
        in_call = await result.in_call_diagnostics
        assert in_call.connected
        assert in_call.diagnostics.audio.packet_loss == "Good"


@pytest.mark.feature("EVENT-003", "EVENT-004", "EVENT-005")
async def test_event_003_to_005_listen_to_properties_and_collections(pair: Pair) -> None:
    call = pair.ours
    states: list[bool] = [call.is_muted]
    people = list(call.remote_participants)

    def is_muted_changed() -> None:
        states.append(call.is_muted)

    def remote_participants_updated(event: CollectionUpdate[Any]) -> None:
        people.extend(event.added)
        for gone in event.removed:
            people.remove(gone)

    call.on("isMutedChanged", is_muted_changed)
    call.on("remoteParticipantsUpdated", remote_participants_updated)
    before = states[0]
    await (call.unmute() if before else call.mute())
    added = call.add_participant(somebody_offline(pair))
    assert people == list(call.remote_participants)
    await until(lambda: added not in people)
    assert people == list(call.remote_participants)
    call.off("isMutedChanged", is_muted_changed)
    await (call.mute() if before else call.unmute())
    assert states == [before, not before]
    with pytest.raises(InvalidArgumentError):
        call.on("isMutedChangd", is_muted_changed)


def somebody_offline(pair: Pair) -> CommunicationUserIdentifier:
    """Somebody who is not online."""
    raw_id, _ = pair.place.server.issue_user_token()
    return CommunicationUserIdentifier(raw_id)
