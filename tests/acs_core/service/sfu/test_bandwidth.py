from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from acs_core.core.facts import Priority
from acs_core.core.receiving import (
    BandwidthMode,
    BandwidthProfile,
    Dimensions,
    SwitchOffMode,
)
from acs_core.service.sfu.bandwidth import (
    FLIP_INTERVAL,
    UP_AFTER,
    BandwidthAllocator,
    DownlinkBudget,
    VideoDemand,
)
from acs_core.service.sfu.layers import LayerState, wanted_layer
from tests.support.demands import (
    COLLABORATION,
    GRID,
    NO_LIMIT,
    PRESENTATION,
    RATES,
    camera,
    known_layers,
    layers,
    once,
    outcome,
    single,
    size,
)

# ---------------------------------------------------------------- what is on


def test_without_profile_and_limit_everything_is_on_at_its_largest_layer() -> None:
    assert once([camera("a"), single("b")]) == {"a": 2, "b": None}


def test_without_profile_bandwidth_lowers_layers_and_switches_nothing_off() -> None:
    demands = [camera("a"), camera("b"), single("c")]
    assert once(demands, None, 1_000) == {"a": 0, "b": 0, "c": None}


def test_what_is_not_shown_is_hidden_with_and_without_profile() -> None:
    demands = [camera("a", is_hidden=True), camera("b", is_hidden=True, is_enabled=False)]
    for profile in (None, GRID):
        assert once(demands, profile) == {"a": "hidden", "b": "hidden"}


def test_a_disabled_video_stays_on_and_takes_no_place_and_no_bits() -> None:
    black = VideoDemand("a", layers(10_000, 15_000, 20_000), is_enabled=False)
    stopped = VideoDemand("d", layers(*RATES, active=0), is_enabled=False)
    demands = [black, single("b"), single("c"), stopped]
    profile = BandwidthProfile(max_tracks=1)
    assert once(demands, profile, 300_000) == {"a": 2, "b": None, "c": "maxTracks", "d": 2}


def test_a_video_that_is_sent_though_disabled_comes_last_and_costs_its_bits() -> None:
    demands = [camera("a", is_enabled=False, is_dominant=True), single("b"), single("c")]
    profile = BandwidthProfile(max_tracks=2)
    assert once(demands, profile, 750_000) == {"a": "budget", "b": None, "c": None}
    assert once(demands, profile, 1_000_000) == {"a": 0, "b": None, "c": None}


@pytest.mark.parametrize("maximum", [0, -1])
def test_a_maximum_of_nothing_is_no_maximum(maximum: int) -> None:
    profile = BandwidthProfile(max_tracks=maximum, max_bitrate_bps=maximum)
    assert once([single("a"), single("b")], profile) == {"a": None, "b": None}


def test_hidden_videos_take_no_place() -> None:
    demands = [single("a", is_hidden=True), single("b"), single("c")]
    profile = BandwidthProfile(max_tracks=1)
    assert once(demands, profile) == {"a": "hidden", "b": None, "c": "maxTracks"}


@pytest.mark.parametrize(
    ("better", "profile"),
    [
        ({"priority": Priority.HIGH}, GRID),
        ({"priority": Priority.LOW, "override": Priority.HIGH}, GRID),
        ({"is_dominant": True}, GRID),
        ({"priority": Priority.LOW, "is_dominant": True}, "speaker"),
    ],
)
def test_the_better_video_gets_the_place(
    better: dict[str, Any], profile: BandwidthProfile | str
) -> None:
    speaker = Priority.HIGH if profile == "speaker" else None
    chosen = BandwidthProfile(max_tracks=1, speaker_priority=speaker)
    demands = [single("a"), single("b", **better)]
    assert once(demands, chosen) == {"a": "maxTracks", "b": None}


def test_speaker_priority_never_lowers_a_priority() -> None:
    chosen = BandwidthProfile(max_tracks=1, speaker_priority=Priority.LOW)
    demands = [single("a"), single("b", priority=Priority.HIGH, is_dominant=True)]
    assert once(demands, chosen) == {"a": "maxTracks", "b": None}


def test_whoever_is_on_keeps_the_place_among_equals() -> None:
    allocator = BandwidthAllocator()
    profile = BandwidthProfile(max_tracks=1)
    speaking = [single("a"), single("b", is_dominant=True)]
    silent = [single("a"), single("b")]
    taken = {"a": "maxTracks", "b": None}
    assert outcome(allocator.allocate(speaking, profile, NO_LIMIT, 0.0)) == taken
    assert outcome(allocator.allocate(silent, profile, NO_LIMIT, 1.0)) == taken


# ---------------------------------------------------------------- bandwidth


def test_a_tiny_maximum_leaves_the_best_one() -> None:
    demands = [single("a"), single("b", priority=Priority.HIGH), camera("c")]
    profile = BandwidthProfile(max_bitrate_bps=400)
    assert once(demands, profile) == {"a": "budget", "b": None, "c": "budget"}


def test_switch_off_disabled_never_switches_off() -> None:
    demands = [camera("a"), camera("b")]
    for mode in BandwidthMode:
        profile = BandwidthProfile(
            mode=mode, max_bitrate_bps=400, switch_off=SwitchOffMode.DISABLED
        )
        assert once(demands, profile) == {"a": 0, "b": 0}


def test_switch_off_that_becomes_disabled_is_over_at_once() -> None:
    allocator = BandwidthAllocator()
    demands = [single("a"), single("b")]
    budget = DownlinkBudget(300_000)
    assert outcome(allocator.allocate(demands, GRID, budget, 0.0))["b"] == "budget"
    never = BandwidthProfile(switch_off=SwitchOffMode.DISABLED)
    assert outcome(allocator.allocate(demands, never, budget, 0.1))["b"] is None


def test_switch_off_detected_waits_for_loss() -> None:
    demands = [camera("a"), camera("b")]
    profile = BandwidthProfile(switch_off=SwitchOffMode.DETECTED)
    assert once(demands, profile, 200_000) == {"a": 0, "b": 0}
    assert once(demands, profile, 200_000, has_loss=True) == {"a": 0, "b": "budget"}
    own = BandwidthProfile(switch_off=SwitchOffMode.DETECTED, max_bitrate_bps=400)
    assert once(demands, own) == {"a": 0, "b": "budget"}


def test_modes_divide_the_same_bits_differently() -> None:
    demands = [camera("a"), camera("b"), camera("c", priority=Priority.HIGH)]
    # 2.4 Mb/s when the headroom is left alone.
    bits = 2_880_000
    assert once(demands, GRID, bits) == {"a": 1, "b": 1, "c": 1}
    assert once(demands, COLLABORATION, bits) == {"a": 1, "b": 0, "c": 2}
    assert once(demands, PRESENTATION, bits) == {"a": 1, "b": 0, "c": 2}
    bits = 1_900_000
    assert once(demands, COLLABORATION, bits) == {"a": 1, "b": 1, "c": 1}
    assert once(demands, PRESENTATION, bits) == {"a": "budget", "b": "budget", "c": 2}


def test_layers_of_unknown_rate_are_taken_as_browsers_send_them() -> None:
    unknown = [VideoDemand("a", layers(0, 0, 0, active=0)), VideoDemand("b", layers(0))]
    assert once(unknown, GRID) == {"a": 2, "b": None}
    assert once(unknown, GRID, 1_300_000) == {"a": 1, "b": None}


def test_what_stopped_is_taken_as_it_was_or_as_browsers_send_it() -> None:
    for rate, taken in ((20_000, 500_000), (900_000, 900_000)):
        stopped = VideoDemand("b", layers(rate, active=0))
        demands = [single("a"), stopped]
        assert once(demands, GRID, 300_000 + taken - 1) == {"a": None, "b": "budget"}
        assert once(demands, GRID, 2 * (300_000 + taken)) == {"a": None, "b": None}


def test_only_layers_that_arrive_are_chosen() -> None:
    assert once([VideoDemand("a", layers(*RATES, active=2))], GRID) == {"a": 1}
    upper = tuple(replace(layer, is_active=layer.index > 0) for layer in layers(*RATES))
    small = VideoDemand("a", upper, size=size(320, 180))
    assert once([small], GRID) == {"a": 1}


def test_a_larger_layer_that_needs_less_is_taken() -> None:
    assert once([VideoDemand("a", layers(300_000, 200_000))], GRID, 400_000) == {"a": 1}


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (None, 2),
        (size(320, 180), 0),
        (size(640, 360), 1),
        (size(1280, 720), 2),
        (size(100, 100), 0),
        (size(3000, 2000), 2),
        (size(320, 240), 0),
    ],
)
def test_the_smallest_layer_that_fills_the_size_is_wanted(
    shown: Dimensions | None, expected: int
) -> None:
    known = known_layers()
    only_one = (layers(*RATES)[0], known[1], layers(*RATES)[2])
    for states in (known, layers(*RATES), only_one):
        assert wanted_layer(states, shown) == expected


def test_of_layers_of_one_size_the_best_is_wanted() -> None:
    screen = tuple(replace(layer, dimensions=size(1920, 1080)) for layer in layers(1, 2))
    assert wanted_layer(screen, size(320, 180)) == 1


def test_a_profile_gives_sizes_by_priority_where_no_hint_does() -> None:
    profile = BandwidthProfile(
        sizes={Priority.LOW: size(320, 180), Priority.HIGH: size(1280, 720)},
        speaker_priority=Priority.HIGH,
    )
    demands = [
        camera("a", priority=Priority.LOW),
        camera("b", priority=Priority.LOW, is_dominant=True),
        camera("c", priority=Priority.LOW, size=size(640, 360)),
        camera("d"),
    ]
    assert once(demands, profile) == {"a": 0, "b": 2, "c": 1, "d": 2}


def test_the_wanted_layer_is_told_whatever_the_limit() -> None:
    demands = [
        replace(camera("a", size=size(640, 360)), layers=known_layers()),
        camera("b"),
        camera("c", is_hidden=True),
    ]
    budget = DownlinkBudget(200_000)
    allotments = BandwidthAllocator().allocate(demands, GRID, budget, 0.0)
    assert {key: item.wanted_layer for key, item in allotments.items()} == {
        "a": 1,
        "b": None,
        "c": None,
    }


def test_a_layer_whose_size_is_not_known_is_demanded_but_not_sent() -> None:
    states = (*known_layers()[:2], layers(*RATES)[2])
    demand = VideoDemand("a", states, size=size(320, 180))
    allotment = BandwidthAllocator().allocate([demand], None, NO_LIMIT, 0.0)["a"]
    assert (allotment.forwarding.layer, allotment.wanted_layer) == (0, 2)


def test_the_layer_that_a_small_camera_never_sends_is_not_demanded() -> None:
    """Of 640x480 browsers send two layers, and announce three."""
    half, whole, never = layers(*RATES, active=2)
    camera_layers = (
        replace(half, dimensions=size(320, 240)),
        replace(whole, dimensions=size(640, 480)),
        replace(never, bitrate_bps=0),
    )

    def demanded(*states: LayerState, shown: Dimensions) -> int | None:
        demand = VideoDemand("a", states, size=shown)
        return BandwidthAllocator().allocate([demand], None, NO_LIMIT, 0.0)["a"].wanted_layer

    assert demanded(*camera_layers, shown=size(160, 120)) == 0
    assert demanded(*camera_layers, shown=size(640, 480)) == 1
    # The same while the second one rests, because nobody wanted it.
    resting = (camera_layers[0], replace(camera_layers[1], is_active=False), camera_layers[2])
    assert demanded(*resting, shown=size(160, 120)) == 0
    assert demanded(*resting, shown=size(640, 480)) == 1


# ---------------------------------------------------------------- hysteresis


def test_less_takes_effect_at_once_and_more_after_it_lasted() -> None:
    allocator = BandwidthAllocator()
    demands = [camera("a")]

    def at(now: float, bits: int) -> object:
        return outcome(allocator.allocate(demands, GRID, DownlinkBudget(bits), now))["a"]

    assert at(0.0, 2_000_000) == 2
    assert at(1.0, 1_000_000) == 1
    assert at(1.1, 2_000_000) == 1
    assert at(3.0, 2_000_000) == 1  # it has not lasted
    assert at(3.2, 2_000_000) == 1  # it changed a moment ago
    assert at(1.0 + FLIP_INTERVAL, 2_000_000) == 2


def test_room_that_comes_and_goes_raises_nothing() -> None:
    allocator = BandwidthAllocator()
    demands = [camera("a")]
    chosen = set()
    for step in range(100):
        bits = 2_000_000 if step % 2 else 1_000_000
        now = 0.5 * step
        allotments = allocator.allocate(demands, GRID, DownlinkBudget(bits), now)
        chosen.add(outcome(allotments)["a"])
    assert chosen == {1}


def test_without_headroom_nothing_rises() -> None:
    allocator = BandwidthAllocator()
    demands = [camera("a")]
    allocator.allocate(demands, GRID, DownlinkBudget(600_000), 0.0)
    for now in (10.0, 20.0):
        allotments = allocator.allocate(demands, GRID, DownlinkBudget(1_700_000), now)
        assert outcome(allotments) == {"a": 1}


def test_a_larger_size_takes_effect_without_waiting_for_it_to_last() -> None:
    allocator = BandwidthAllocator()
    budget = DownlinkBudget(5_000_000)
    small, large = camera("a", size=size(320, 180)), camera("a", size=size(1280, 720))
    assert outcome(allocator.allocate([small], GRID, budget, 0.0)) == {"a": 0}
    assert outcome(allocator.allocate([large], GRID, budget, 0.1)) == {"a": 2}


def test_who_becomes_more_important_takes_over_at_once() -> None:
    allocator = BandwidthAllocator()
    budget = DownlinkBudget(400_000)
    before = [single("a"), single("b")]
    after = [single("a"), single("b", is_dominant=True)]
    first = allocator.allocate(before, GRID, budget, 0.0)
    assert outcome(first) == {"a": None, "b": "budget"}
    second = allocator.allocate(after, GRID, budget, 0.1)
    assert outcome(second) == {"a": "budget", "b": None}


@pytest.mark.parametrize("profile", [GRID, PRESENTATION, COLLABORATION])
def test_what_does_not_fit_leaves_its_room_to_smaller_ones(profile: BandwidthProfile) -> None:
    demands = [single("a"), single("large", 2_000_000), single("c")]
    assert once(demands, profile, 800_000) == {"a": None, "large": "budget", "c": None}


def test_nothing_is_switched_off_for_what_does_not_fit_anyway() -> None:
    allocator = BandwidthAllocator()
    budget = DownlinkBudget(800_000)
    before = [single("a"), single("c")]
    after = [single("large", 2_000_000, priority=Priority.HIGH), *before]
    assert outcome(allocator.allocate(before, GRID, budget, 0.0)) == {"a": None, "c": None}
    large_first = outcome(allocator.allocate(after, GRID, budget, 0.1))
    assert large_first == {"large": None, "a": "budget", "c": "budget"}  # the best is always on
    second = [single("a", priority=Priority.HIGH), single("large", 2_000_000), single("c")]
    for now in (0.2, 10.0, 20.0):
        settled = outcome(allocator.allocate(second, GRID, budget, now))
    assert settled == {"a": None, "large": "budget", "c": None}


def test_nobody_takes_the_room_of_who_waits_for_it() -> None:
    allocator = BandwidthAllocator()
    narrow, wide = DownlinkBudget(400_000), DownlinkBudget(2_000_000)
    demands = [single("a"), single("b", 500_000)]
    assert outcome(allocator.allocate(demands, GRID, narrow, 0.0)) == {"a": None, "b": "budget"}
    demands.append(single("c"))
    assert outcome(allocator.allocate(demands, GRID, wide, 1.0))["c"] == "budget"
    assert allocator.next_deadline == 1.0 + UP_AFTER
    after = outcome(allocator.allocate(demands, GRID, wide, 1.0 + UP_AFTER))
    assert after == {"a": None, "b": None, "c": "budget"}
    assert outcome(allocator.allocate(demands, GRID, wide, 20.0))["c"] is None
    assert allocator.next_deadline is None


def test_a_limit_that_goes_is_gone_at_once() -> None:
    allocator = BandwidthAllocator()
    allocator.allocate([camera("a")], GRID, DownlinkBudget(200_000), 0.0)
    assert outcome(allocator.allocate([camera("a")], GRID, NO_LIMIT, 0.1)) == {"a": 2}
    assert allocator.wanted_bps == RATES[2]


def test_a_video_that_is_off_comes_on_when_the_room_lasted() -> None:
    allocator = BandwidthAllocator()
    demands = [single("a"), single("b")]
    allocator.allocate(demands, GRID, DownlinkBudget(400_000), 0.0)
    seen = [
        outcome(allocator.allocate(demands, GRID, DownlinkBudget(800_000), now))["b"]
        for now in (1.0, 1.0 + UP_AFTER / 2, 1.0 + UP_AFTER)
    ]
    assert seen == ["budget", "budget", None]
