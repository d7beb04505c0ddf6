from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path

import pytest

from acs_core.errors import MediaError
from acs_core.rtc.packet import pack_packet
from acs_core.service.recording.clocks import SenderClock
from acs_core.service.recording.container import measure_file
from acs_core.service.recording.writer import (
    Opened,
    StreamFormat,
    TrackListener,
    TrackWriter,
    Written,
)
from acs_core.service.sfu.plane.taps import TappedPacket
from tests.support.coding import coded_pictures, tapped_pictures
from tests.support.recordings import pictures_of, sounds_of

FORMAT = StreamFormat(
    codecs={96: "VP8", 98: "H264", 111: "OPUS", 13: "CN", 9: "G722"},
    clock_rates={96: 90000, 98: 90000, 111: 48000, 13: 8000, 9: 8000},
)
NTP = 3_900_000_000.0


class Desk:
    """A writer, and everything that it tells."""

    def __init__(self, folder: Path, clock: SenderClock | None = None, *, floor: int = 0) -> None:
        self.opened: list[Opened] = []
        self.keyframes_wanted = 0
        self.other_codecs = 0
        self.writer = TrackWriter(
            lambda suffix: folder / f"{id(self)}.{suffix}",
            clock or SenderClock(),
            TrackListener(lambda _: "note", self.opened.append, self._want, self._other),
            floor=floor,
        )
        for name in ("a", "b"):
            self.writer.describe(name, FORMAT)

    def _want(self) -> None:
        self.keyframes_wanted += 1

    def _other(self) -> None:
        self.other_codecs += 1

    @property
    def path(self) -> Path:
        (opened,) = self.opened
        return opened.path

    def finish(self) -> Written:
        written = self.writer.finish()
        assert written is not None
        return written


def report(desk: Desk, stream: str, sent: float, rtp_timestamp: int) -> None:
    desk.writer.report(stream, round((NTP + sent) * 2**32), rtp_timestamp & 0xFFFFFFFF)


def sounds(
    count: int, *, began: float = 0.0, number: int = 0, ticks: int = 0
) -> list[TappedPacket]:
    return [
        TappedPacket(
            began + index / 50,
            pack_packet(
                payload_type=111,
                marker=False,
                sequence_number=number + index,
                timestamp=(ticks + 960 * index) & 0xFFFFFFFF,
                ssrc=9,
                payload=b"\xf8\xff\xfe",
            ),
        )
        for index in range(count)
    ]


def delayed(packets: list[TappedPacket], by: float) -> list[TappedPacket]:
    return [TappedPacket(at + by, data) for at, data in packets]


def test_tracks_of_one_sender_lie_in_time_as_they_were_captured(tmp_path: Path) -> None:
    clock = SenderClock()
    picture, sound = Desk(tmp_path, clock), Desk(tmp_path, clock)
    # Both captured at 10 s; the picture took 0.3 s to arrive, the sound 0.05 s.
    report(picture, "a", 10.0, 5000)
    report(sound, "a", 10.0, 777)
    tapped = tapped_pictures("VP8", coded_pictures("VP8", 30), began=10.3, first_timestamp=5000)
    heard = delayed(sounds(50, began=10.0, ticks=777), 0.05)
    for index in range(50):
        sound.writer.take("a", heard[index : index + 1])
        if index < 30:
            picture.writer.take("a", tapped[index])
    picture.finish()
    sound.finish()
    apart = picture.opened[0].started_at - sound.opened[0].started_at
    assert abs(apart) < 0.001


def test_what_comes_before_the_first_report_waits_for_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    packets = sounds(100, began=5.0)
    # Those that came first were late.
    packets[:3] = delayed(packets[:3], 0.2)
    desk.writer.take("a", packets[:50])
    assert desk.opened == []
    report(desk, "a", 1.0, 48000)
    desk.writer.take("a", packets[50:])
    assert desk.opened[0].started_at == pytest.approx(5.0)
    assert desk.finish().duration == pytest.approx(2.0, abs=0.002)


def test_a_sender_that_never_reports_is_placed_by_its_packets(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.writer.take("a", sounds(250, began=5.0))
    assert desk.opened[0].started_at == pytest.approx(5.0)
    assert desk.finish().duration == pytest.approx(5.0, abs=0.002)
    short = Desk(tmp_path)
    short.writer.take("a", sounds(10, began=5.0))
    assert short.finish().duration == pytest.approx(0.2, abs=0.002)


def test_a_gap_is_as_long_as_it_was_also_over_another_ssrc(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    report(desk, "a", 0.0, 0)
    report(desk, "b", 0.0, 0)
    desk.writer.take("a", sounds(50))
    desk.writer.take("a", sounds(50, began=3.0, number=50, ticks=3 * 48000))
    # Another connection: other numbers and timestamps, the same sender's clock.
    desk.writer.take("b", sounds(50, began=7.5, number=9000, ticks=round(7.5 * 48000)))
    assert desk.finish().duration == pytest.approx(8.5, abs=0.002)
    times = [time for time, _ in sounds_of(desk.path)]
    gaps = [two - one for one, two in pairwise(times)]
    assert sorted(gaps)[-2:] == pytest.approx([2.02, 3.52], abs=0.005)
    assert measure_file(desk.path).duration == pytest.approx(8.5, abs=0.03)


def test_what_came_behind_a_loss_is_kept_when_the_connection_is_replaced(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    report(desk, "a", 0.0, 0)
    report(desk, "b", 0.0, 0)
    heard = sounds(50)
    del heard[40]
    desk.writer.take("a", heard)
    desk.writer.take("b", sounds(50, began=3.0, number=900, ticks=3 * 48000))
    desk.finish()
    times = [time for time, _ in sounds_of(desk.path)]
    assert len(times) == 99
    assert max(two - one for one, two in pairwise(times)) == pytest.approx(2.02, abs=0.005)


def test_another_layer_goes_on_with_its_keyframe(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    for name in ("a", "b"):
        report(desk, name, 0.0, 0)
    small = tapped_pictures("VP8", coded_pictures("VP8", 30), first_timestamp=0)
    large = tapped_pictures(
        "VP8", coded_pictures("VP8", 60, size=(640, 360), gop=20), first_timestamp=0, gop=20
    )
    for index in range(60):
        if index > 10:
            desk.writer.take("b", large[index])
        if index < 30:
            desk.writer.take("a", small[index])
    desk.finish()
    pictures = pictures_of(desk.path)
    assert [picture.counter for picture in pictures] == list(range(60))
    assert [picture.size for picture in pictures] == 20 * [(320, 180)] + 40 * [(640, 360)]
    assert [round(30 * picture.time) for picture in pictures] == list(range(60))


def test_a_loss_leaves_a_gap_and_asks_for_a_keyframe(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    report(desk, "a", 0.0, 0)
    coded = coded_pictures("H264", 150, gop=60)
    tapped = tapped_pictures("H264", coded, first_timestamp=0, gop=60, payload_type=98)
    del tapped[20][0]
    for packets in tapped:
        desk.writer.take("a", packets)
    # Told once it is sure, and again after two seconds; the keyframe came before that.
    assert desk.keyframes_wanted == 1
    desk.finish()
    pictures = pictures_of(desk.path)
    assert [picture.counter for picture in pictures] == [*range(20), *range(60, 150)]
    assert pictures[20].time == pytest.approx(2.0, abs=0.002)


def test_a_keyframe_that_does_not_come_is_asked_for_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    tapped = tapped_pictures("VP8", coded_pictures("VP8", 150))
    desk.writer.take("a", list(chain(*tapped[1:])))
    assert desk.keyframes_wanted == 2
    assert desk.writer.finish() is None
    assert list(tmp_path.iterdir()) == []


def test_another_codec_needs_another_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.writer.take("a", list(chain(*tapped_pictures("VP8", coded_pictures("VP8", 5)))))
    other = tapped_pictures("H264", coded_pictures("H264", 5), payload_type=98)
    desk.writer.take("b", list(chain(*other)))
    assert desk.other_codecs == 1
    desk.finish()
    assert len(pictures_of(desk.path)) == 5


def test_what_cannot_be_recorded_is_refused_and_what_is_beside_it_passed_over(
    tmp_path: Path,
) -> None:
    desk = Desk(tmp_path)
    comfort = bytearray(sounds(1)[0].data)
    comfort[1] = 13
    desk.writer.take("a", [TappedPacket(0.0, bytes(comfort))])
    desk.writer.take("unknown", sounds(1))
    comfort[1] = 9
    with pytest.raises(MediaError):
        desk.writer.take("a", [TappedPacket(0.0, bytes(comfort))])
    assert desk.writer.finish() is None


def test_a_full_disk_is_told_before_it_is_full(tmp_path: Path) -> None:
    desk = Desk(tmp_path, floor=10**18)
    report(desk, "a", 0.0, 0)
    with pytest.raises(MediaError, match="are free on the disk"):
        desk.writer.take("a", sounds(1))
    desk.writer.abandon()
    assert list(tmp_path.iterdir()) == []
