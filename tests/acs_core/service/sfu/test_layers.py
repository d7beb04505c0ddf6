from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.rtc.packet import Uri
from acs_core.service.sfu.changes import Layer, StreamReceived
from acs_core.service.sfu.layers import BitrateMeter, StreamOwner, layer_to_forward, owner_of
from acs_core.service.sfu.plane.messages import StreamDetected

EXTENSIONS: dict[str, int] = {Uri.MID: 1, Uri.RID: 2, Uri.REPAIRED_RID: 3}


@pytest.mark.parametrize(
    ("active", "wanted", "current", "chosen"),
    [
        ("xxx", None, None, 0),  # the smallest keyframe is there first
        ("-xx", None, None, 1),
        ("xxx", None, 2, 2),
        ("xx-", None, 2, 0),
        ("xxx", 1, None, 1),
        ("xxx", 1, 2, 1),
        ("xx-", 2, None, 1),
        ("x--", 2, 1, 0),
        ("--x", 1, None, 2),  # a picture too large is better than none
        ("xxx", 7, None, 2),
        ("---", 2, 1, 1),  # nothing to gain by a change
        ("---", 2, None, 0),
    ],
)
def test_the_layer_to_forward(
    active: str, wanted: int | None, current: int | None, chosen: int
) -> None:
    flags = [letter == "x" for letter in active]
    assert layer_to_forward(flags, [True] * 3, wanted=wanted, current=current) == chosen


def test_layers_whose_packets_are_unknown_cannot_be_sent() -> None:
    assert layer_to_forward([False] * 2, [False] * 2, wanted=1, current=None) is None
    assert layer_to_forward([False] * 2, [False, True], wanted=0, current=None) == 1


@given(
    st.lists(st.booleans(), min_size=1, max_size=3),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 2),
)
def test_what_is_sent_is_active_if_any_is(
    active: list[bool], wanted: int | None, current: int | None
) -> None:
    current = None if current is None or current >= len(active) else current
    chosen = layer_to_forward(active, [True] * len(active), wanted=wanted, current=current)
    assert chosen is not None
    assert active[chosen] or not any(active)
    # Once chosen, it stays.
    assert layer_to_forward(active, [True] * len(active), wanted=wanted, current=chosen) == chosen


def test_the_bitrate_follows_in_about_a_second() -> None:
    meter = BitrateMeter()
    meter.update(5_000, 0.0)
    assert meter.bitrate_bps == 0
    meter.update(5_000, 0.0)
    meter.update(67_500, 0.5)
    assert meter.bitrate_bps == 1_000_000
    for step in range(2, 8):
        meter.update(67_500 + (step - 1) * 12_500, step * 0.5)
    assert meter.bitrate_bps == pytest.approx(200_000 + 800_000 * 0.0498, rel=0.01)


def test_a_stream_that_pauses_keeps_its_bitrate_until_it_flows_again() -> None:
    meter = BitrateMeter()
    for half_second in range(3):
        meter.update(62_500 * half_second, half_second * 0.5)
    for half_second in range(3, 20):
        meter.update(125_000, half_second * 0.5)
        assert meter.bitrate_bps == 1_000_000
    # It came back at the end of this time, which says nothing of its rate.
    meter.update(126_000, 10.0)
    assert meter.bitrate_bps == 1_000_000
    meter.update(126_000 + 31_250, 10.5)
    assert meter.bitrate_bps == 500_000


def test_a_stream_of_few_pictures_is_measured_from_one_to_the_next() -> None:
    meter = BitrateMeter()
    for half_second in range(40):
        meter.update(1_000 * (half_second // 3), half_second * 0.5)
    assert meter.bitrate_bps == pytest.approx(8_000 / 1.5, rel=0.01)


def test_a_bitrate_that_was_reset_is_measured_anew() -> None:
    meter = BitrateMeter()
    meter.update(0, 0.0)
    meter.update(62_500, 0.5)
    meter.reset()
    assert meter.bitrate_bps == 0
    meter.update(62_600, 1.0)
    meter.update(62_600 + 6_250, 1.5)
    assert meter.bitrate_bps == 100_000


def test_a_count_that_begins_again_is_no_negative_rate() -> None:
    meter = BitrateMeter()
    meter.update(1_000, 0.0)
    meter.update(10, 1.0)
    assert meter.bitrate_bps == 0


def stream(
    mid: str, *layers: Layer, extensions: dict[str, int] | None = None, kind: str = "video"
) -> StreamReceived:
    return StreamReceived(
        mid=mid,
        kind="video" if kind == "video" else "audio",
        layers=layers,
        stream_id="-",
        track_id="t",
        codecs={96: "vp8/90000"},
        rtx_payload_types={97: 96},
        extensions=EXTENSIONS if extensions is None else extensions,
    )


def detected(payload_type: int = 96, **values: bytes) -> StreamDetected:
    ids = {"mid": 1, "rid": 2, "repaired": 3}
    extensions = {ids[name]: value for name, value in values.items()}
    return StreamDetected("p", 555, payload_type, extensions)


NAMED = (Layer("q", None, None), Layer("f", None, None))
STREAMS = (stream("0", *NAMED), stream("1", *NAMED), stream("2", Layer(None, None, None)))


def test_packets_name_their_section_and_layer() -> None:
    assert owner_of(STREAMS, detected(mid=b"1", rid=b"f")) == StreamOwner("1", "f", False)
    assert owner_of(STREAMS, detected(97, mid=b"0", repaired=b"q")) == StreamOwner("0", "q", True)
    assert owner_of(STREAMS, detected(mid=b"2")) == StreamOwner("2", None, False)
    assert owner_of(STREAMS, detected(97, mid=b"2")) == StreamOwner("2", None, True)


def test_a_layer_that_one_stream_has_needs_no_section() -> None:
    assert owner_of(STREAMS[:1], detected(rid=b"f")) == StreamOwner("0", "f", False)
    assert owner_of(STREAMS, detected(rid=b"f")) is None


@pytest.mark.parametrize(
    "packet",
    [
        detected(),
        detected(mid=b"9", rid=b"q"),
        detected(mid=b"0"),
        detected(mid=b"0", rid=b"x"),
        detected(mid=b"0", rid=b"\xff"),
        detected(50, mid=b"0", rid=b"q"),
    ],
)
def test_other_packets_are_nobodys(packet: StreamDetected) -> None:
    assert owner_of(STREAMS, packet) is None


def test_retransmissions_of_a_layer_belong_to_it_though_its_own_packets_are_known() -> None:
    known = stream("0", Layer("q", None, None))
    assert owner_of([known], detected(97, repaired=b"q")) == StreamOwner("0", "q", True)


def test_streams_that_the_description_told_have_no_unknown_packets() -> None:
    told = stream("0", Layer(None, 10, None))
    assert owner_of([told], detected(mid=b"0")) is None


def test_without_the_extensions_nothing_can_be_told() -> None:
    assert owner_of([stream("0", *NAMED, extensions={})], detected(mid=b"0", rid=b"q")) is None
