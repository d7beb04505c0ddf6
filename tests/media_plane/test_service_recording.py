"""What the service records of a publisher on a bad network, as a player would show and play it.

The publisher flashes and beeps with each full second of the loop's clock, which is the service's
too: what is in the files, and where, is compared with that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from acs_core.service.recording.clocks import SenderClock
from acs_core.service.recording.info import RecordingInfo
from acs_core.service.recording.writer import (
    Opened,
    StreamFormat,
    TrackListener,
    TrackWriter,
)
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.plane.taps import TappedPacket
from acs_core.service.sfu.producer import ProducerLayer, clock_rate, codec_name
from acs_core.service.sfu.taps import MediaTap, TapListener
from tests.support.engine_peers import Side
from tests.support.events import DEADLINE, next_event, until
from tests.support.lossy_path import LossyProxy
from tests.support.media_checks import BLUE, is_color
from tests.support.people import meeting
from tests.support.recordings import (
    beeps_of,
    completed,
    flashes_of,
    news_of,
    pictures_of,
    studio,
)
from tests.support.simulcast_publisher import TRACK, LayerNames, SimulcastPublisher
from tests.support.sources import BeepSource, FlashSource
from tests.support.standstills import Standstills
from twilio_compat import LocalAudioTrack, LocalVideoTrack

SIZES = ((160, 90), (320, 180), (640, 360))
TOLERANCE = 0.080
"""Seconds; ITU-R BT.1359-1 puts the threshold of detection at 45 ms early and 125 ms late."""
BUSY = 0.5
"""Where other programs take the processors, a publisher is late itself."""


class Keeper(TapListener):
    """Writes what a tap hands over, on the loop: files are small here."""

    def __init__(self, folder: Path) -> None:
        self.opened: list[Opened] = []
        self.tap: MediaTap | None = None
        listener = TrackListener(lambda _: "", self.opened.append, self._want, lambda: None)
        self.writer = TrackWriter(
            lambda suffix: folder / f"layers.{suffix}", SenderClock(), listener, floor=0
        )

    def _want(self) -> None:
        assert self.tap is not None
        self.tap.request_keyframe()

    def on_packets(self, layer: ProducerLayer, packets: tuple[TappedPacket, ...]) -> None:
        codecs = layer.producer.stream.codecs
        names = {number: codec_name(key).upper() for number, key in codecs.items()}
        rates = {number: clock_rate(key) for number, key in codecs.items()}
        self.writer.describe(layer.id, StreamFormat(names, rates))
        self.writer.take(layer.id, packets)

    def on_clock(self, layer: ProducerLayer, ntp_timestamp: int, rtp_timestamp: int) -> None:
        self.writer.report(layer.id, ntp_timestamp, rtp_timestamp)


@pytest.fixture(params=list(LayerNames))
async def publisher(request: pytest.FixtureRequest) -> AsyncIterator[SimulcastPublisher]:
    made = SimulcastPublisher(SIZES, request.param, BLUE)
    try:
        yield made
    finally:
        await made.close()


async def test_a_recording_takes_the_best_layer_that_there_is(
    engine: SfuEngine, publisher: SimulcastPublisher, tmp_path: Path
) -> None:
    side, keeper = Side(engine), Keeper(tmp_path)
    answer = side.transport.accept_offer(await publisher.create_offer())
    producer = next(iter(side.transport.producers.values()))
    assert producer.stream.track_id == TRACK
    # Before the connection is ready and the layers are known.
    keeper.tap = engine.tap(producer, keeper)
    await publisher.accept_answer(answer)
    await publisher.connected(DEADLINE)

    def pixels() -> int:
        layer = keeper.tap._current if keeper.tap else None
        return 0 if layer is None or layer.dimensions is None else layer.dimensions.width

    for enabled, width in ((True, 640), (False, 320), (True, 640)):
        publisher.layers[2].enabled = enabled
        await until(lambda width=width: pixels() == width)  # type: ignore[misc]
        # A second of it.
        before = engine.stats(max_age=0).producers
        await until(
            lambda before=before: any(  # type: ignore[misc]
                engine.stats(max_age=0.1).producers[name].packets > counts.packets + 20
                for name, counts in before.items()
            )
        )
    keeper.tap.close()
    keeper.writer.finish()
    pictures = pictures_of(keeper.opened[0].path)
    widths = [picture.size[0] for picture in pictures]
    changes = [widths[0], *(two for one, two in pairwise(widths) if one != two)]
    assert changes[-3:] == [640, 320, 640]
    assert changes == sorted(changes[:-2]) + changes[-2:]
    assert all(is_color(picture.color, BLUE) for picture in pictures)
    times = [picture.time for picture in pictures]
    assert times == sorted(times)
    # A layer that stalls is noticed after half a second.
    assert max(two - one for one, two in pairwise(times)) < 3.0


async def story(
    tmp_path: Path, *, seconds: float, cuts: int, loss: float, seed: int = 1
) -> tuple[dict[str, RecordingInfo], dict[str, Path], float]:
    """Record a publisher that flashes and beeps; returns the recordings and the epoch."""
    options: dict[str, Any] = {"public_address": "127.0.0.2", "free_disk_floor": 0}
    async with meeting(data_dir=tmp_path, **options) as place:
        server = place.server
        call, news = studio(server), news_of(server)
        proxy = LossyProxy("127.0.0.2", server.media_port, seed=seed)
        tracks = [LocalVideoTrack(FlashSource(fps=25)), LocalAudioTrack(BeepSource())]
        try:
            guest = await place.guest("sender", name="studio", tracks=tracks)
            await until(lambda: len(news) == 2)
            proxy.up.loss = proxy.down.loss = loss
            for _ in range(cuts):
                await asyncio.sleep(seconds / (cuts + 1))
                lost = next_event(guest, "reconnecting")
                proxy.is_cut = True
                await lost
                back = next_event(guest, "reconnected")
                proxy.is_cut = False
                await back
            await asyncio.sleep(seconds / (cuts + 1))
            call.complete()
            found = await completed(server, call, 2)
        finally:
            proxy.close()
        for track in tracks:
            track.stop()
            await track.closed()
        recordings = server.recordings
        by_kind = {info.kind: info for info in found.values()}
        studio_ = recordings._studio
        assert studio_ is not None
        paths = {kind: recordings.path_of(info) for kind, info in by_kind.items()}
        return by_kind, paths, studio_.epoch


def onsets(by_kind: dict[str, RecordingInfo], paths: dict[str, Path], epoch: float) -> Any:
    """When it flashes and beeps, on the loop's clock."""
    flashes = [by_kind["video"].created_at - epoch + at for at in flashes_of(paths["video"])]
    beeps = [by_kind["audio"].created_at - epoch + at for at in beeps_of(paths["audio"])]
    return flashes, beeps


def skews(flashes: list[float], beeps: list[float]) -> list[float]:
    """How much later than its flash each beep is."""
    pairs = [(min(beeps, key=lambda beep: abs(beep - flash)) - flash) for flash in flashes]
    return [skew for skew in pairs if abs(skew) < 0.4]


def off_beat(times: list[float]) -> float:
    """How far the onsets are from being full seconds apart, at most."""
    return max(abs((one - times[0] + 0.5) % 1 - 0.5) for one in times)


async def test_sound_and_picture_stay_together_over_loss_and_a_reconnection(
    tmp_path: Path,
) -> None:
    by_kind, paths, epoch = await story(tmp_path, seconds=8.0, cuts=1, loss=0.03)
    flashes, beeps = onsets(by_kind, paths, epoch)
    found = skews(flashes, beeps)
    assert len(found) >= 4
    assert max(map(abs, found)) < BUSY, (flashes, beeps)
    assert max(off_beat(flashes), off_beat(beeps)) < BUSY
    # The outage is a gap in both, of the same length.
    gaps = [max(two - one for one, two in pairwise(times)) for times in (flashes, beeps)]
    assert min(gaps) > 3
    ends = [info.created_at + (info.duration or 0) for info in by_kind.values()]
    assert abs(ends[0] - ends[1]) < BUSY


@pytest.mark.proof
@pytest.mark.timeout(900)
async def test_ten_minutes_with_loss_and_two_reconnections_are_accurate(tmp_path: Path) -> None:
    async with Standstills() as machine:
        by_kind, paths, epoch = await story(tmp_path, seconds=600.0, cuts=2, loss=0.03)
    # A publisher that stood still was late itself, and its reports take a while to forget that.
    every = onsets(by_kind, paths, epoch)
    flashes, beeps = ([at for at in times if not machine.stood_still(at, 3)] for times in every)
    found = skews(flashes, beeps)
    lengths = {kind: info.duration or 0 for kind, info in by_kind.items()}
    print(
        f"the machine stood still {machine}; of {[*map(len, every)]} onsets "
        f"{len(flashes)} flashes, {len(beeps)} beeps, {len(found)} pairs; skew "
        f"{min(found) * 1000:+.0f} to {max(found) * 1000:+.0f} ms; off the beat by "
        f"{off_beat(flashes) * 1000:.0f} and {off_beat(beeps) * 1000:.0f} ms; "
        f"lengths {lengths}"
    )
    assert len(found) > 100
    assert max(map(abs, found)) <= TOLERANCE
    # Real time to 100 ms from the first onset to the last.
    assert max(off_beat(flashes), off_beat(beeps)) <= 0.1
    ends = [info.created_at - epoch + (info.duration or 0) for info in by_kind.values()]
    # Sound that is not sent yet when the call is over is not in the file.
    assert max(ends) - min(ends) <= 0.1 + machine.lost(max(ends) - 3, max(ends))
