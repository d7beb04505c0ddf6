"""Statistics, diagnostics and network quality of real calls."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from acs_core import (
    Call,
    CallRating,
    CallSurvey,
    DiagnosticQuality,
    Features,
    InvalidArgumentError,
    InvalidStateError,
    LocalAudioStream,
    LocalVideoStream,
    MediaStatsCollectorOptions,
)
from acs_core.client.features.media_records import MediaStatsReportSample, MediaStatsReportSummary
from acs_core.media.sources import SilenceSource, ToneSource
from acs_core.version import __version__
from tests.support.events import next_event, until
from tests.support.media_checks import BLUE, RED
from tests.support.people import camera, meeting, seen_by
from tests.support.proxies import UdpProxy


class LossyProxy(UdpProxy):
    """Loses every third packet of media while `is_lossy`."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.is_lossy = False
        self._number = itertools.count()

    def answer(self, data: bytes, addr: Any) -> None:
        # RFC 7983: media begins with 128 to 191; RTCP of it (types 64 to 95) gets through.
        is_media = 128 <= data[0] <= 191 and not 64 <= data[1] & 0x7F <= 95
        if self.is_lossy and is_media and next(self._number) % 3 == 0:
            self.dropped += 1
            return
        super().answer(data, addr)


@asynccontextmanager
async def lossy_proxy(port: int, host: str) -> AsyncIterator[LossyProxy]:
    proxy = LossyProxy(port)
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: proxy, local_addr=(host, port))
    try:
        yield proxy
    finally:
        await proxy.close()


@asynccontextmanager
async def two_way_call(**options: Any) -> AsyncIterator[Call]:
    """A call that sends and receives sound and pictures."""
    async with meeting() as place:
        anna, ben = await place.user("Anna", **options), await place.user("Ben")
        call = await anna.join(
            video=LocalVideoStream(camera(RED)), audio=LocalAudioStream(ToneSource())
        )
        await ben.join(video=LocalVideoStream(camera(BLUE)), audio=LocalAudioStream(ToneSource()))
        (participant,) = await seen_by(call)
        await until(lambda: participant.video_streams)
        yield call


@pytest.mark.feature("STATS-001", "STATS-003", "STATS-005", "STATS-006", "STATS-007", "STATS-008")
async def test_samples_and_summaries_count_packets_in_both_directions_until_the_end() -> None:
    async with two_way_call() as call:
        feature = call.feature(Features.MEDIA_STATS)
        for options, code in (
            (MediaStatsCollectorOptions(aggregation_interval=0), 45550),
            (MediaStatsCollectorOptions(data_points_per_aggregation=0), 45551),
        ):
            with pytest.raises(InvalidArgumentError) as caught:
                feature.create_collector(options)
            assert (caught.value.code, caught.value.sub_code) == (400, code)
        defaults = MediaStatsCollectorOptions()
        assert (defaults.aggregation_interval, defaults.data_points_per_aggregation) == (10, 6)
        collector = feature.create_collector(MediaStatsCollectorOptions(2, 2))
        disposed = feature.create_collector()
        samples: list[MediaStatsReportSample] = []
        summaries: list[tuple[int, MediaStatsReportSummary]] = []
        wrong: list[object] = []
        collector.on("sampleReported", samples.append)
        collector.on("summaryReported", lambda one: summaries.append((len(samples), one)))
        disposed.on("sampleReported", wrong.append)
        disposed.dispose()

        def counts(sample: MediaStatsReportSample) -> list[float]:
            kinds = (sample.audio, sample.video)
            sent = [item.packets or 0 for kind in kinds for item in kind.send]
            return sent + [item.packets or 0 for kind in kinds for item in kind.receive]

        await until(
            lambda: samples and len(counts(samples[-1])) == 4 and min(counts(samples[-1])) > 0
        )
        await until(lambda: len(summaries) >= 2)
        await until(lambda: all(item.rtt_in_ms is not None for item in samples[-1].transports))
        (picture,) = samples[-1].video.send
        assert (picture.frame_width_input, picture.frame_width_sent) == (160, 160)
        assert picture.frames_sent
        assert picture.key_frames_encoded
        assert {item.local_candidate_type for item in samples[-1].transports} == {"host"}
        (heard,) = samples[-1].audio.receive
        assert heard.rtt_in_ms is not None
        assert heard.codec_name == "opus"
        assert [at for at, _ in summaries] == [4 * (n + 1) for n in range(len(summaries))]
        assert wrong == []
        await call.hang_up()
        count = len(samples)
        with pytest.raises(InvalidStateError) as over:
            feature.create_collector()
        assert over.value.sub_code == 45552
        await until(lambda: not call.has_tasks)
        assert len(samples) == count


async def test_each_kind_of_media_is_measured_in_both_directions() -> None:
    async with two_way_call() as call:
        collector = call.feature(Features.MEDIA_STATS).create_collector(
            MediaStatsCollectorOptions(2, 2)
        )

        def is_measured(sample: MediaStatsReportSample) -> bool:
            found = [*sample.audio.send, *sample.video.send]
            found += [*sample.audio.receive, *sample.video.receive]
            return len(found) == 4 and all(
                item.packets and item.packets_per_second and item.jitter_in_ms is not None
                for item in found
            )

        (sample,) = await next_event(collector, "sampleReported", is_measured)
        audio, video = sample.audio, sample.video
        assert [item.codec_name for item in (*audio.send, *audio.receive)] == ["opus"] * 2
        assert [item.codec_name for item in (*video.send, *video.receive)] == ["VP8"] * 2


@pytest.mark.feature("MATRIX-023", "MATRIX-039")
async def test_after_a_call_its_quality_and_a_dump_can_be_had() -> None:
    async with meeting() as place:
        anna, ben = await place.user("Anna"), await place.user("Ben")
        debug = anna.client.feature(Features.DEBUG_INFO)
        call = await anna.join(audio=LocalAudioStream(ToneSource()))
        await ben.join(audio=LocalAudioStream(ToneSource()))
        collector = call.feature(Features.MEDIA_STATS).create_collector(
            MediaStatsCollectorOptions(2, 2)
        )
        (summary,) = await next_event(
            collector, "summaryReported", lambda one: one.audio.send and one.audio.receive
        )
        await call.hang_up()

        # What the call was told stays, also when it is over.
        (sent,), (received,) = summary.audio.send, summary.audio.receive
        assert max(sent.packets.raw) > 0
        assert max(received.packets.raw) > 0
        assert received.jitter_in_ms.aggregation is not None
        told = json.loads(debug.dump_debug_info().dump)
        (described,) = told["calls"]
        assert (described["id"], described["state"]) == (call.id, "Disconnected")
        assert described["end"][:2] == [0, 0]
        assert told["version"] == __version__

        survey = CallSurvey(audio_rating=CallRating(2, ("Echo",)))
        answer = await call.feature(Features.CALL_SURVEY).submit_survey(survey)
        (kept,) = place.server.services.surveys.all
        assert (kept.call, kept.endpoint) == (answer.call_id, call.id)
        rating = kept.answers["audio_rating"]
        assert (rating["score"], rating["issues"]) == (2, ["Echo"])


@pytest.mark.feature("STATS-004")
async def test_samples_come_every_second() -> None:
    async with meeting() as place:
        call = await (await place.user("Anna", sample_interval=1.0)).join()
        collector = call.feature(Features.MEDIA_STATS).create_collector()
        loop = asyncio.get_running_loop()
        times: list[float] = []
        collector.on("sampleReported", lambda _: times.append(loop.time()))
        await until(lambda: len(times) >= 4)
        for earlier, later in itertools.pairwise(times):
            assert later - earlier == pytest.approx(1.0, abs=0.3)


@pytest.mark.feature("STATS-002")
async def test_a_room_reports_its_tracks_in_four_lists() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", color=RED, tone=440.0)
        tom = await place.guest("tom", color=BLUE, tone=880.0)
        (there,) = tina.participants.values()
        await until(lambda: len(there.tracks) == 2)
        await until(lambda: all(item.is_subscribed for item in there.tracks.values()))
        lists = (
            "localAudioTrackStats",
            "localVideoTrackStats",
            "remoteAudioTrackStats",
            "remoteVideoTrackStats",
        )
        async with asyncio.timeout(10):
            while True:
                (report,) = await tina.get_stats()
                rows = [getattr(report, name) for name in lists]
                counts = [
                    row.packetsSent if hasattr(row, "packetsSent") else row.packetsReceived
                    for items in rows
                    for row in items
                ]
                if all(counts):
                    break
                # The next round trip to the service, instead of a pause.
                await place.guest("ted", name="elsewhere")
        assert [len(items) for items in rows] == [1, 1, 1, 1]
        sids = {row.trackSid for items in rows for row in items}
        assert sids == {*tina.local_participant.tracks, *tom.local_participant.tracks}
        tina.disconnect()
        assert await tina.get_stats() == []


@pytest.mark.feature("DIAG-001", "DIAG-003", "DIAG-004", "DIAG-005")
async def test_lost_packets_raise_a_diagnostic_that_goes_when_the_loss_is_over() -> None:
    async with (
        meeting(public_address="127.0.0.2") as place,
        lossy_proxy(place.server.media_port, "127.0.0.2") as network,
    ):
        listener = await (await place.user("Anna", sample_interval=0.4)).join()
        await (await place.user("Ben")).join(audio=LocalAudioStream(ToneSource()))
        diagnostics = listener.feature(Features.USER_FACING_DIAGNOSTICS).network
        good = DiagnosticQuality.GOOD
        name = "networkReceiveQuality"
        await until(lambda: name in diagnostics.get_latest())
        assert diagnostics.get_latest()[name].value is good
        network.is_lossy = True
        (worse,) = await next_event(diagnostics, "diagnosticChanged")
        assert (worse.diagnostic, worse.value_type) == (name, "DiagnosticQuality")
        assert worse.value in (DiagnosticQuality.POOR, DiagnosticQuality.BAD)
        network.is_lossy = False
        await next_event(diagnostics, "diagnosticChanged", lambda change: change.value is good)
        assert diagnostics.get_latest()[name].value is good
        assert network.dropped > 0
        assert [int(item) for item in DiagnosticQuality] == [1, 2, 3]


@pytest.mark.feature("NQ-001", "NQ-002")
async def test_network_quality_has_levels_for_all_and_statistics_for_who_asked() -> None:
    async with meeting() as place:
        tina = await place.guest("tina", tone=440.0, network_quality={"local": 3, "remote": 1})
        modest = await place.guest("tom", tone=880.0, network_quality={"local": 1, "remote": 0})
        plain = await place.guest("ted")
        told: list[tuple[int, object]] = []
        tina.local_participant.on(
            "networkQualityLevelChanged", lambda level, stats: told.append((level, stats))
        )
        others = {item.identity: item for item in tina.participants.values()}
        await until(lambda: tina.local_participant.network_quality_level is not None)
        await until(lambda: others["tom"].network_quality_level is not None)
        await until(lambda: modest.local_participant.network_quality_level is not None)
        own = tina.local_participant
        assert own.network_quality_level in range(6)
        assert own.network_quality_stats is not None
        assert own.network_quality_stats.level == own.network_quality_level
        assert others["tom"].network_quality_stats is None
        assert modest.local_participant.network_quality_stats is None
        for there in modest.participants.values():
            assert there.network_quality_level is None
        assert plain.local_participant.network_quality_level is None
        levels = [level for level, _ in told]
        assert all(one != two for one, two in itertools.pairwise(levels))


async def test_who_speaks_into_a_muted_microphone_is_told_and_who_is_silent_unmuted() -> None:
    async with meeting() as place:
        anna = await place.user("Anna")
        call = await anna.join(audio=LocalAudioStream(ToneSource()), muted=True)
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        latest = feature.media.get_latest()
        name = "speakingWhileMicrophoneIsMuted"
        await until(lambda: name in latest and latest[name].value is True)
        await call.unmute()
        await until(lambda: latest[name].value is False)
        await call.mute()
        feature.silence.window = 0.2
        await call.stop_audio()
        await call.start_audio(LocalAudioStream(SilenceSource()))
        await call.unmute()
        await until(lambda: latest["microphoneNotMuteButSilent"].value is True)
        # Three minutes are not over.
        assert latest[name].value is False


async def test_relays_that_do_not_answer_are_told() -> None:
    async with meeting(turn_url="turn:127.0.0.1:9?transport=udp", turn_secret="secret") as place:
        await (await place.user("Ben")).join(audio=LocalAudioStream(ToneSource()))
        call = await (await place.user("Anna")).join()
        latest = call.feature(Features.USER_FACING_DIAGNOSTICS).network.get_latest()
        name = "networkRelaysNotReachable"
        await until(lambda: name in latest and latest[name].value is True)
        assert call.state == "Connected"


async def test_others_hear_of_trouble_that_a_participant_reports() -> None:
    async with meeting() as place:
        call = await (await place.user("Anna")).join(
            audio=LocalAudioStream(ToneSource()), muted=True
        )
        there = await (await place.user("Ben")).join()
        heard = there.feature(Features.USER_FACING_DIAGNOSTICS).remote
        told = next_event(heard, "diagnosticChanged")
        call.feature(Features.USER_FACING_DIAGNOSTICS).remote.start_sending_diagnostics()
        (data,) = await told
        names = {item.diagnostic: item.value for item in data.diagnostics}
        assert True in names.values()
        assert {item.participant_id for item in data.diagnostics} == {call.id}
        (participant,) = there.remote_participants
        assert all(item.remote_participant is participant for item in data.diagnostics)
        assert call.feature(Features.USER_FACING_DIAGNOSTICS).remote.get_latest().diagnostics == ()
