"""The batch plane sends what the portable plane sends, byte for byte."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acs_core.rtc.packet import (
    pack_packet,
    rtx_wrap,
)
from acs_core.rtc.srtp import SrtpProfile
from acs_core.service.sfu.plane import PlaneKind, create_plane
from acs_core.service.sfu.plane.batch import BatchPlane
from acs_core.service.sfu.plane.engine import ForwardingPlane
from acs_core.service.sfu.plane.messages import (
    AddConsumer,
    AddProducer,
    Command,
    Event,
    EventListener,
    PauseConsumer,
    RemoveConsumer,
    Resend,
    ResumeConsumer,
    Route,
    SwitchProducer,
)
from acs_core.service.sfu.plane.portable import PortablePlane
from acs_core.service.sfu.plane.state import CACHE_SIZE, ProducerState
from tests.support.plane_bench import (
    DELTA,
    EXTENSIONS,
    KEY,
    ROUTE,
    Bench,
    Sockets,
    consumer,
    drain,
)


@dataclass(frozen=True)
class Media:
    """One packet of a script."""

    stream: int
    jump: int
    is_keyframe: bool
    elements: tuple[tuple[int, bytes], ...]
    is_rtx: bool
    is_unrouted: bool
    picture: str  # how its picture id is written


MEDIA = st.builds(
    Media,
    stream=st.integers(0, 1),
    jump=st.sampled_from([1, 1, 1, 1, 2, 3, -1, -2, 0, 40]),
    is_keyframe=st.booleans(),
    elements=st.lists(
        st.tuples(st.integers(1, 16), st.binary(min_size=1, max_size=18)), max_size=3
    ).map(tuple),
    is_rtx=st.sampled_from([False, False, False, True]),
    is_unrouted=st.sampled_from([False, False, False, False, True]),
    picture=st.sampled_from(["long", "long", "long", "short", "none"]),
)
CONTROL = st.one_of(
    st.builds(PauseConsumer, st.sampled_from(["c0", "c1", "c2"])),
    st.builds(ResumeConsumer, st.sampled_from(["c0", "c1", "c2"])),
    st.builds(
        SwitchProducer,
        st.sampled_from(["c0", "c1", "c2"]),
        st.sampled_from(["v0", "v1"]),
        st.sampled_from([ROUTE, Route({96: 33})]),
    ),
    st.builds(
        Resend,
        st.sampled_from(["c0", "c1", "c2"]),
        st.lists(st.integers(1, 12), max_size=4).map(tuple),
    ),
    st.builds(RemoveConsumer, st.just("c2")),
    st.just("tick"),
)
SCRIPT = st.lists(st.one_of(MEDIA, MEDIA, MEDIA, CONTROL), max_size=40)


def play(
    kind: type[ForwardingPlane],
    sockets: Sockets,
    sinks: Sequence[socket.socket],
    script: Sequence[Media | Command | str],
    start: int,
    profile: SrtpProfile,
) -> tuple[list[list[bytes]], list[Event], object]:
    bench = Bench(kind, sockets, profile)
    bench.add_publisher()
    for stream in (0, 1):
        bench.do(
            AddProducer(
                f"v{stream}",
                "p",
                10 * stream,
                "video",
                90000,
                {96: "VP8", 98: "VP9"},
                rtx_ssrc=10 * stream + 1,
                rtx_payload_types={97: 96},
                extensions=EXTENSIONS,
            )
        )
    for index, sink in enumerate(sinks):
        bench.add_subscriber(f"s{index}", sink)
        rtx_ssrc = None if index == 1 else 90 + index
        route = ROUTE if index < 2 else Route({96: 45, 98: 46}, extensions={1: 2, 5: 1})
        bench.do(
            AddConsumer(f"c{index}", f"v{index % 2}", f"s{index}", 70 + index, route, rtx_ssrc)
        )
    numbers = [start, start + 100]
    for step, item in enumerate(script):
        bench.now = step * 0.3
        if isinstance(item, Media):
            _play_media(bench, item, numbers, step)
        elif isinstance(item, str):
            bench.plane.tick(bench.now)
        else:
            bench.do(item)
    received = [drain(sink) for sink in sinks]
    stats = bench.stats()
    bench.plane.close()
    return received, bench.events, stats


def _play_media(bench: Bench, item: Media, numbers: list[int], step: int) -> None:
    numbers[item.stream] += item.jump
    number = numbers[item.stream] & 0xFFFF
    packet = pack_packet(
        payload_type=98 if item.is_unrouted else 96,
        marker=item.is_keyframe,
        sequence_number=number,
        timestamp=number * 3000 & 0xFFFF_FFFF,
        ssrc=10 * item.stream,
        payload=_payload(item, number) + bytes(step),
        extensions=item.elements,
    )
    if item.is_rtx:
        packet = rtx_wrap(packet, payload_type=97, ssrc=10 * item.stream + 1, sequence_number=step)
    bench.publish(packet)


def _payload(item: Media, number: int) -> bytes:
    payload = KEY if item.is_keyframe else DELTA
    if item.picture == "none":
        return payload
    picture_id = bytes([number & 0x7F])
    if item.picture == "long":
        picture_id = (number & 0x7FFF | 0x8000).to_bytes(2)
    return b"\x90\xc0" + picture_id + bytes([number & 0xFF]) + payload[1:]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    script=SCRIPT,
    start=st.sampled_from([0, 5, 65530, 32760]),
    profile=st.sampled_from(list(SrtpProfile)),
)
def test_planes_send_equal_bytes(
    sockets: Sockets,
    script: Sequence[Media | Command | str],
    start: int,
    profile: SrtpProfile,
) -> None:
    sinks = _three(sockets)
    portable = play(PortablePlane, sockets, sinks, script, start, profile)
    batch = play(BatchPlane, sockets, sinks, script, start, profile)
    assert portable == batch


def _three(sockets: Sockets) -> list[socket.socket]:
    while len(sockets.opened) < 4:
        sockets.open()
    return sockets.opened[1:4]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (PlaneKind.AUTO, "batch"),
        (PlaneKind.BATCH, "batch"),
        (PlaneKind.PORTABLE, "portable"),
    ],
)
def test_the_plane_can_be_chosen(sockets: Sockets, kind: PlaneKind, expected: str) -> None:
    listen: Callable[[Event], None] = lambda event: None  # noqa: E731
    assert create_plane(kind, [sockets.out], listen).name == expected


def test_where_the_batch_plane_does_not_work_the_portable_one_is_used(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.platform", "other")
    for kind in (PlaneKind.AUTO, PlaneKind.BATCH):
        assert create_plane(kind, [sockets.out], lambda event: None).name == "portable"
    assert caplog.text.count("does not work here") == 1


@pytest.mark.parametrize("delay", [0.1, 20.0])
@pytest.mark.parametrize("later", [1, 100, 2000])
def test_a_number_is_never_used_again_however_late_a_packet_comes(
    sockets: Sockets, delay: float, later: int
) -> None:
    sent: list[list[bytes]] = []
    for kind in (PortablePlane, BatchPlane):
        bench = Bench(kind, sockets)
        bench.add_publisher()
        bench.add_video()
        bench.add_subscriber("s")
        bench.do(consumer())
        first = bench.send(0, KEY)
        lost = bench.send(1)
        for number in range(2, 2 + later):
            bench.send(number)
        bench.now = delay
        bench.raw("s")
        for number, packet in enumerate((first, lost)):
            again = rtx_wrap(packet, payload_type=97, ssrc=11, sequence_number=number)
            bench.publish(again)
        assert bench.raw("s") == []
        assert bench.stats().dropped == {"duplicate": 2}
        bench.send(2 + later)
        sent.append(bench.raw("s"))
        bench.plane.close()
    assert sent[0] == sent[1]
    assert len(sent[0]) == 1


def test_a_packet_that_is_repaired_late_is_sent_once(sockets: Sockets) -> None:
    bench = Bench(PortablePlane, sockets)
    bench.add_publisher()
    bench.add_video()
    bench.add_subscriber("s")
    bench.do(consumer())
    for number in (0, *range(2, CACHE_SIZE + 1)):
        bench.send(number, KEY)
    bench.raw("s")
    lost = pack_packet(
        payload_type=96, marker=True, sequence_number=1, timestamp=3000, ssrc=10, payload=DELTA
    )
    for number in range(2):
        bench.publish(rtx_wrap(lost, payload_type=97, ssrc=11, sequence_number=number))
    assert bench.numbers("s") == [2]


def test_the_fan_out_is_made_once_per_packet_however_many_came_and_went(
    sockets: Sockets,
) -> None:
    bench = Bench(BatchPlane, sockets)
    bench.plane = plane = CountingPlane([sockets.out], bench.events.append)
    bench.add_publisher()
    bench.add_video()
    bench.add_video("w", 20)
    bench.add_subscriber("s")
    for number in range(20):
        bench.do(consumer(f"c{number}", ssrc=100 + number, rtx_ssrc=None))
    bench.send(0, KEY)
    assert plane.regrouped == 1
    for number in range(20):
        bench.do(SwitchProducer(f"c{number}", "v", ROUTE))
    bench.send(1)
    assert plane.regrouped == 1
    for number in range(20):
        bench.do(SwitchProducer(f"c{number}", "w", ROUTE))
    bench.send(0, KEY, ssrc=20)
    assert plane.regrouped == 2
    bench.raw("s")
    bench.send(2)
    assert bench.raw("s") == []
    bench.send(1, ssrc=20)
    assert len(bench.raw("s")) == 20
    assert plane.regrouped == 3
    bench.plane.close()


class CountingPlane(BatchPlane):
    """Counts how often the consumers of a producer are sorted anew."""

    regrouped = 0

    def _regroup(self, producer: ProducerState) -> None:
        self.regrouped += 1
        super()._regroup(producer)


def test_late_packets_leave_out_those_who_did_not_want_them(sockets: Sockets) -> None:
    """Consumers that began later are no hole in the batch, but two batches around it."""
    bench = Bench(BatchPlane, sockets)
    bench.add_publisher()
    bench.add_video()
    for name in ("s", "t", "u", "w"):
        bench.add_subscriber(name)
    for name in ("s", "u"):
        bench.do(consumer(name, transport=name))
    bench.send(5, KEY)
    bench.do(consumer("t", transport="t"))
    bench.send(7, KEY)
    bench.do(consumer("w", transport="w"))
    bench.send(9, KEY)
    bench.send(6)
    assert [len(bench.raw(name)) for name in ("s", "t", "u", "w")] == [4, 2, 4, 1]


def test_a_full_socket_loses_the_rest_of_the_batch(sockets: Sockets) -> None:
    bench = Bench(BatchPlane, sockets)
    bench.plane = FullPlane([sockets.out], bench.events.append)
    bench.add_publisher()
    bench.add_video()
    bench.add_subscriber("s")
    for number in range(3):
        bench.do(consumer(f"c{number}", ssrc=number, rtx_ssrc=None))
    bench.send(0, KEY)
    assert bench.stats().dropped["not_sent"] == 3


class FullPlane(BatchPlane):
    """A plane whose socket never has room."""

    def __init__(self, sockets: Sequence[socket.socket], on_event: EventListener) -> None:
        super().__init__(sockets, on_event)
        self._send_many = self._refuse

    @staticmethod
    def _refuse(*arguments: object) -> int:
        ctypes.set_errno(errno.EAGAIN)
        return -1
