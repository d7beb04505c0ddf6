"""What holds for any demands and any limits."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from acs_core.core.facts import Priority
from acs_core.core.receiving import (
    BandwidthMode,
    BandwidthProfile,
    PauseReason,
    SwitchOffMode,
)
from acs_core.service.sfu.bandwidth import (
    Allotment,
    BandwidthAllocator,
    DownlinkBudget,
    VideoDemand,
)
from tests.support.demands import layers, size


@st.composite
def a_demand(draw: st.DrawFn, name: str) -> VideoDemand:
    count = draw(st.integers(1, 3))
    lowest = draw(st.integers(10_000, 1_000_000))
    rates = [lowest * factor for factor in (1, 3, 8)[:count]]
    return VideoDemand(
        name,
        layers(*rates, active=draw(st.integers(0, count))),
        priority=draw(st.sampled_from(Priority)),
        override=draw(st.none() | st.sampled_from(Priority)),
        is_dominant=draw(st.booleans()),
        is_enabled=draw(st.integers(0, 4)) > 0,
        is_hidden=draw(st.integers(0, 4)) == 0,
        size=draw(st.none() | st.builds(size, st.integers(1, 2000), st.integers(1, 2000))),
    )


@st.composite
def some_demands(draw: st.DrawFn) -> list[VideoDemand]:
    return [draw(a_demand(f"{index}")) for index in range(draw(st.integers(0, 4)))]


profiles = st.builds(
    BandwidthProfile,
    mode=st.sampled_from(BandwidthMode),
    max_bitrate_bps=st.none() | st.integers(0, 5_000_000),
    max_tracks=st.none() | st.integers(0, 6),
    speaker_priority=st.none() | st.sampled_from(Priority),
    switch_off=st.sampled_from(SwitchOffMode),
)
budgets = st.builds(
    DownlinkBudget, video_bps=st.none() | st.integers(0, 8_000_000), has_loss=st.booleans()
)
scripts = st.lists(st.tuples(some_demands(), profiles, budgets, st.floats(0, 5)), max_size=3)


def counted(demands: list[VideoDemand]) -> list[VideoDemand]:
    return [item for item in demands if item.is_enabled and not item.is_hidden]


def reason_of(allotments: dict[str, Allotment], demand: VideoDemand) -> PauseReason | None:
    return allotments[demand.publication].forwarding.reason


def spent(demands: list[VideoDemand], allotments: dict[str, Allotment]) -> int:
    total = 0
    for demand in counted(demands):
        forwarding = allotments[demand.publication].forwarding
        if forwarding.is_on:
            total += demand.layers[forwarding.layer or 0].bitrate_bps
    return total


RANKS = {Priority.LOW: 0, Priority.STANDARD: 1, Priority.HIGH: 2}


def importance(demand: VideoDemand, profile: BandwidthProfile) -> tuple[int, bool]:
    rank = RANKS[demand.override or demand.priority]
    if demand.is_dominant and profile.speaker_priority is not None:
        rank = max(rank, RANKS[profile.speaker_priority])
    return rank, demand.is_dominant


@given(scripts)
def test_any_script_keeps_the_rules(
    script: list[tuple[list[VideoDemand], BandwidthProfile, DownlinkBudget, float]],
) -> None:
    allocator = BandwidthAllocator()
    now = 0.0
    for demands, profile, budget, wait in script:
        now += wait
        allotments = allocator.allocate(demands, profile, budget, now)
        assert list(allotments.keys() ^ {demand.publication for demand in demands}) == []
        for demand in demands:
            allotment = allotments[demand.publication]
            reason = allotment.forwarding.reason
            assert (reason is PauseReason.HIDDEN) == demand.is_hidden
            assert (allotment.wanted_layer is None) == (reason is not None)
            assert allotment.forwarding.layer is None or len(demand.layers) > 1
        candidates = counted(demands)
        on = [item for item in candidates if allotments[item.publication].forwarding.is_on]
        off = [item for item in candidates if reason_of(allotments, item) is PauseReason.MAX_TRACKS]
        assert bool(on) == bool(candidates)
        if profile.max_tracks:
            assert len(on) <= profile.max_tracks
        # None has a place while a more important one has none.
        least = min((importance(item, profile) for item in on), default=(0, False))
        assert all(importance(item, profile) <= least for item in off)
        if profile.switch_off is SwitchOffMode.PREDICTED and len(on) > 1:
            limits = [bits for bits in (budget.video_bps, profile.max_bitrate_bps) if bits]
            assert all(spent(demands, allotments) <= limit for limit in limits)
        if profile.switch_off is SwitchOffMode.DISABLED:
            reasons = {item.forwarding.reason for item in allotments.values()}
            assert PauseReason.BUDGET not in reasons


@settings(max_examples=50)
@given(some_demands(), profiles, budgets)
def test_equal_input_changes_nothing(
    demands: list[VideoDemand], profile: BandwidthProfile, budget: DownlinkBudget
) -> None:
    allocator = BandwidthAllocator()
    first = allocator.allocate(demands, profile, budget, 0.0)
    assert allocator.allocate(demands, profile, budget, 0.0) == first
    settled = [allocator.allocate(demands, profile, budget, float(now)) for now in range(1, 20)]
    assert settled[-1] == settled[-5]
    # Nothing that got more has to give it back.
    for before, after in zip([first, *settled], settled, strict=False):
        assert not [
            key
            for key in before
            if before[key].forwarding.is_on and not after[key].forwarding.is_on
        ]
