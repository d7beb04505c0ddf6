"""How one receiver's downlink is shared among the videos that it subscribed to. Pure.

Theory of operation. `BandwidthAllocator.allocate` is called again and again with every video that
the receiver subscribed to, its policy and what its downlink carries, and says which of them are
forwarded, at which layer, and why the others are not:

1. What the application does not show is off, whatever else is true.
2. The rest is ordered: effective priority, dominant speaker, what is on already, age.
3. The profile's maximum of videos cuts that order.
4. What is left shares the bitrate, in this order and by the profile's mode. The first one is always
   on; one that does not fit leaves its room to those behind it.

Less bandwidth takes effect at once; more must last (`HEADROOM`, `UP_AFTER`, `FLIP_INTERVAL`).

Source: Twilio's bandwidth profile API for the modes and priorities; RFC 8853 for layers. The
figures of the hysteresis are ours.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from acs_core.core.facts import Priority
from acs_core.core.receiving import (
    BandwidthMode,
    BandwidthProfile,
    Dimensions,
    Forwarding,
    PauseReason,
    SwitchOffMode,
)
from acs_core.service.sfu.layers import LayerState, wanted_layer

__all__ = ["Allotment", "BandwidthAllocator", "DownlinkBudget", "VideoDemand"]

HEADROOM: Final = 1.2
"""What must be left over, as a factor, before more is forwarded."""
UP_AFTER: Final = 2.0
"""Seconds for which it must be left over."""
FLIP_INTERVAL: Final = 3.0
"""Seconds between a change of a video and its next improvement."""

ASSUMED_BPS: Final = (150_000, 500_000, 1_500_000)
"""Bitrate of a layer of which nothing arrived yet: Chromium's for 180, 360 and 720 lines."""
ASSUMED_SINGLE_BPS: Final = 500_000
BLACK_BPS: Final = 50_000
"""A disabled video that needs more than this is no black picture now and then."""

OFF: Final = -1
_RANK: Final = {Priority.LOW: 0, Priority.STANDARD: 1, Priority.HIGH: 2}
_NO_PROFILE: Final = BandwidthProfile(switch_off=SwitchOffMode.DISABLED)


@dataclass(frozen=True, slots=True)
class VideoDemand:
    """A video that an endpoint subscribed to, as of now.

    Attributes:
        publication: Its id.
        layers: At least one, smallest first.
        priority: The publisher's.
        override: The receiver's own priority instead, or None.
        is_dominant: Its owner is the dominant speaker.
        is_enabled: Its publisher sends it; what is disabled needs neither place nor bitrate.
        is_hidden: The receiver's application said that it does not show it.
        size: At which the application shows it; None when it did not say.
    """

    publication: str
    layers: tuple[LayerState, ...]
    priority: Priority = Priority.STANDARD
    override: Priority | None = None
    is_dominant: bool = False
    is_enabled: bool = True
    is_hidden: bool = False
    size: Dimensions | None = None


@dataclass(frozen=True, slots=True)
class DownlinkBudget:
    """What the receiver's downlink carries.

    Attributes:
        video_bps: For all videos; None while no limit is known.
        has_loss: The limit was found by packets that were lost, not predicted from delay.
    """

    video_bps: int | None = None
    has_loss: bool = False


@dataclass(frozen=True, slots=True)
class Allotment:
    """What one video gets.

    Attributes:
        forwarding: What is sent of it.
        wanted_layer: The layer that it would get if bandwidth were no matter, or a larger one
            whose size must be seen to know; None while it is not to be on at all.
    """

    forwarding: Forwarding
    wanted_layer: int | None


@dataclass(frozen=True, slots=True)
class _Limits:
    """Bits per second: for layers, and before a video is paused. Infinite for none."""

    layers: float
    pause: float

    def divided_by(self, factor: float) -> _Limits:
        return _Limits(self.layers / factor, self.pause / factor)


@dataclass(slots=True)
class _Candidate:
    """A video that could be on.

    Attributes:
        demanded: The layer that fits its size, or a larger one whose size is not known yet.
        options: Layer and its bitrate, smallest first, never falling; at least one.
    """

    demand: VideoDemand
    demanded: int
    options: tuple[tuple[int, float], ...]

    @property
    def key(self) -> str:
        return self.demand.publication

    @property
    def best(self) -> int:
        """The layer that it gets when bandwidth does not matter."""
        return self.options[-1][0]


@dataclass(slots=True)
class _Held:
    """What a candidate got last: its layer or OFF, and since when it could have more."""

    layer: int
    is_limited: bool
    changed_at: float
    better_since: float | None = None


class BandwidthAllocator:
    """Shares one endpoint's downlink; remembers what it decided, for its hysteresis.

    Attributes:
        wanted_bps: What everything that may be on would need at its wanted layer.
    """

    def __init__(self) -> None:
        self.wanted_bps = 0
        self._held: dict[str, _Held] = {}

    @property
    def next_deadline(self) -> float | None:
        """When more could be given to a video that waits for it, if nothing changes until then."""
        return min(
            (
                max(held.better_since + UP_AFTER, held.changed_at + FLIP_INTERVAL)
                for held in self._held.values()
                if held.better_since is not None
            ),
            default=None,
        )

    def allocate(
        self,
        demands: Sequence[VideoDemand],
        profile: BandwidthProfile | None,
        budget: DownlinkBudget,
        now: float,
    ) -> dict[str, Allotment]:
        """Decide what is forwarded; one allotment for each demand, by publication.

        Args:
            demands: Oldest publication first.
            profile: Without one nothing is switched off for bandwidth.
            budget: What the downlink carries.
            now: Seconds on any monotonic clock.
        """
        chosen = profile or _NO_PROFILE
        allotments: dict[str, Allotment] = {}
        candidates: list[_Candidate] = []
        for demand in demands:
            candidate = _candidate(demand, chosen)
            if demand.is_hidden:
                allotments[candidate.key] = _off(candidate, PauseReason.HIDDEN)
            elif not demand.is_enabled and _arriving_bps(demand) <= BLACK_BPS:
                # Nothing to save: its publisher sends nothing, or a black picture now and then.
                allotments[candidate.key] = _on(candidate, candidate.best)
            else:
                candidates.append(candidate)
        candidates.sort(key=lambda item: self._order(item, chosen))
        kept, surplus = _placed(candidates, chosen)
        for candidate in surplus:
            allotments[candidate.key] = _off(candidate, PauseReason.MAX_TRACKS)
        self.wanted_bps = round(sum(candidate.options[-1][1] for candidate in kept))
        layers = self._share(kept, chosen, _limits(chosen, budget), now)
        for candidate in kept:
            layer = layers[candidate.key]
            allotments[candidate.key] = (
                _off(candidate, PauseReason.BUDGET) if layer == OFF else _on(candidate, layer)
            )
        return allotments

    def _order(
        self, candidate: _Candidate, profile: BandwidthProfile
    ) -> tuple[bool, int, bool, bool]:
        """Best first; sorting is stable, so that older ones come before younger ones."""
        demand = candidate.demand
        held = self._held.get(candidate.key)
        is_on = held is not None and held.layer != OFF
        rank = -_RANK[_priority(demand, profile)]
        return (not demand.is_enabled, rank, not demand.is_dominant, not is_on)

    # ------------------------------------------------------------ hysteresis

    def _share(
        self,
        candidates: Sequence[_Candidate],
        profile: BandwidthProfile,
        limits: _Limits,
        now: float,
    ) -> dict[str, int]:
        """The layer or OFF of each candidate; remembers it."""
        if self._is_plenty(candidates, limits):
            layers = {candidate.key: candidate.best for candidate in candidates}
        else:
            roomy = _divide(candidates, profile.mode, limits.divided_by(HEADROOM))
            caps = self._caps(candidates, roomy, now)
            waiting = {key for key, cap in caps.items() if cap == OFF and roomy[key] != OFF}
            layers = _divide(candidates, profile.mode, limits, caps, waiting)
        self._remember(candidates, layers, now)
        return layers

    def _is_plenty(self, candidates: Sequence[_Candidate], limits: _Limits) -> bool:
        """Whether there is no limit, or everybody has the best and the limit is far."""
        least = min(limits.layers, limits.pause)
        if math.isinf(least):
            return True
        has_best = all(
            (held := self._held.get(candidate.key)) is not None and held.layer == candidate.best
            for candidate in candidates
        )
        return has_best and self.wanted_bps <= least / HEADROOM

    def _caps(
        self, candidates: Sequence[_Candidate], roomy: Mapping[str, int], now: float
    ) -> dict[str, int]:
        """What each candidate may have at most: what it has, or more once that lasted."""
        caps: dict[str, int] = {}
        is_on_behind = False
        for candidate in reversed(candidates):
            held = self._held.get(candidate.key)
            room = roomy[candidate.key]
            cap = room if held is None else _cap(held, room, now)
            if cap == OFF and room != OFF and is_on_behind:
                # It became more important than one that is on, and takes over without waiting.
                cap = candidate.options[0][0]
            caps[candidate.key] = cap
            is_on_behind = is_on_behind or (held is not None and held.layer != OFF)
        return caps

    def _remember(
        self, candidates: Sequence[_Candidate], layers: Mapping[str, int], now: float
    ) -> None:
        held_now: dict[str, _Held] = {}
        for candidate in candidates:
            layer = layers[candidate.key]
            held = self._held.get(candidate.key)
            if held is None:
                held = _Held(layer, is_limited=False, changed_at=-math.inf)
            elif held.layer != layer:
                held = _Held(layer, is_limited=False, changed_at=now)
            held.is_limited = layer < candidate.best
            held_now[candidate.key] = held
        self._held = held_now


def _cap(held: _Held, roomy: int, now: float) -> int:
    if roomy <= held.layer:
        held.better_since = None
        return held.layer
    if held.better_since is None:
        held.better_since = now
    # What was not limited is wanted larger now, or its publisher sends more layers again.
    has_lasted = not held.is_limited or now - held.better_since >= UP_AFTER
    return roomy if has_lasted and now - held.changed_at >= FLIP_INTERVAL else held.layer


# ---------------------------------------------------------------- dividing


def _divide(
    candidates: Sequence[_Candidate],
    mode: BandwidthMode,
    limits: _Limits,
    caps: Mapping[str, int] = MappingProxyType({}),
    waiting: Collection[str] = (),
) -> dict[str, int]:
    """The layer or OFF of each candidate within the limits.

    Args:
        candidates: Best first.
        mode: Of the profile.
        limits: Bits per second.
        caps: What each may have at most; a missing one may have anything.
        waiting: Those that would fit but must wait; nobody behind takes their room meanwhile.
    """
    division = _Division(limits, caps)
    is_greedy = mode is BandwidthMode.PRESENTATION and not math.isinf(limits.pause)
    # Those that cannot be paused need their least also when others are more important.
    admitted = []
    for candidate in candidates:
        if division.admit(candidate):
            admitted.append(candidate)
            if is_greedy:
                division.raise_fully(candidate)
        elif candidate.key in waiting:
            break
    if mode is BandwidthMode.GRID:
        rising = admitted
        while rising:
            rising = [candidate for candidate in rising if division.raise_once(candidate)]
    else:
        for candidate in admitted:
            division.raise_fully(candidate)
    return {candidate.key: division.layer(candidate) for candidate in candidates}


class _Division:
    """What was given out so far."""

    def __init__(self, limits: _Limits, caps: Mapping[str, int]) -> None:
        self._limits = limits
        self._caps = caps
        self._spent = 0.0
        self._given: dict[str, int] = {}

    def layer(self, candidate: _Candidate) -> int:
        """The layer that a candidate got, or OFF."""
        given = self._given.get(candidate.key)
        return OFF if given is None else candidate.options[given][0]

    def admit(self, candidate: _Candidate) -> bool:
        """Give a candidate its smallest layer, unless it must be off; the first one never is."""
        rate = candidate.options[0][1]
        if self._given and not math.isinf(self._limits.pause):
            has_room = self._spent + rate <= self._limits.pause
            if not has_room or self._caps.get(candidate.key, 0) == OFF:
                return False
        self._given[candidate.key] = 0
        self._spent += rate
        return True

    def raise_once(self, candidate: _Candidate) -> bool:
        """Give an admitted candidate its next layer, if there is one and it fits."""
        given = self._given[candidate.key]
        if given + 1 == len(candidate.options):
            return False
        layer, rate = candidate.options[given + 1]
        spent = self._spent - candidate.options[given][1] + rate
        if layer > self._caps.get(candidate.key, layer) or spent > self._limits.layers:
            return False
        self._given[candidate.key] = given + 1
        self._spent = spent
        return True

    def raise_fully(self, candidate: _Candidate) -> None:
        """Give an admitted candidate the largest layer that fits."""
        while self.raise_once(candidate):
            pass


def _limits(profile: BandwidthProfile, budget: DownlinkBudget) -> _Limits:
    estimate = math.inf if budget.video_bps is None else float(budget.video_bps)
    maximum = profile.max_bitrate_bps
    own = float(maximum) if maximum is not None and maximum > 0 else math.inf
    layers = min(estimate, own)
    if profile.switch_off is SwitchOffMode.PREDICTED:
        return _Limits(layers, layers)
    if profile.switch_off is SwitchOffMode.DETECTED:
        return _Limits(layers, layers if budget.has_loss else own)
    return _Limits(layers, math.inf)


# ---------------------------------------------------------------- one video


def _priority(demand: VideoDemand, profile: BandwidthProfile) -> Priority:
    priority = demand.override or demand.priority
    if demand.is_dominant and profile.speaker_priority is not None:
        return max(priority, profile.speaker_priority, key=_RANK.__getitem__)
    return priority


def _candidate(demand: VideoDemand, profile: BandwidthProfile) -> _Candidate:
    size = demand.size or profile.sizes.get(_priority(demand, profile))
    wanted = wanted_layer(demand.layers, size)
    # What is never sent has no size either: browsers leave out the top layers of small pictures.
    unseen = [item.index for item in demand.layers if item.is_active and item.dimensions is None]
    active = [layer for layer in demand.layers if layer.is_active] or list(demand.layers)
    usable = [layer for layer in active if layer.index <= wanted] or active[:1]
    options = []
    most = 0.0
    for layer in usable:
        # A larger layer that happens to need less costs nothing more, not less.
        most = max(most, _rate(layer, len(demand.layers)))
        options.append((layer.index, most))
    return _Candidate(demand, max([wanted, *unseen]), tuple(options))


def _placed(
    candidates: Sequence[_Candidate], profile: BandwidthProfile
) -> tuple[list[_Candidate], list[_Candidate]]:
    """Those that get a place, best first, and those that do not; disabled ones need none."""
    enabled = [candidate for candidate in candidates if candidate.demand.is_enabled]
    disabled = [candidate for candidate in candidates if not candidate.demand.is_enabled]
    places = len(enabled)
    # "0 or a negative value will remove any limit" (Twilio's maxTracks).
    if profile.max_tracks is not None and profile.max_tracks > 0:
        places = min(places, profile.max_tracks)
    return enabled[:places] + disabled, enabled[places:]


def _arriving_bps(demand: VideoDemand) -> int:
    """What the publisher sends at most of one layer."""
    return max((layer.bitrate_bps for layer in demand.layers if layer.is_active), default=0)


def _rate(layer: LayerState, count: int) -> float:
    """What a layer needs; one that stopped may come back as large as it was, or larger."""
    if layer.is_active and layer.bitrate_bps:
        return float(layer.bitrate_bps)
    return float(max(layer.bitrate_bps, _assumed(layer.index, count)))


def _assumed(index: int, count: int) -> int:
    if count == 1:
        return ASSUMED_SINGLE_BPS
    return ASSUMED_BPS[min(index, len(ASSUMED_BPS) - 1)]


def _on(candidate: _Candidate, layer: int) -> Allotment:
    is_simulcast = len(candidate.demand.layers) > 1
    forwarding = Forwarding(publication=candidate.key, layer=layer if is_simulcast else None)
    return Allotment(forwarding, candidate.demanded)


def _off(candidate: _Candidate, reason: PauseReason) -> Allotment:
    return Allotment(Forwarding(publication=candidate.key, reason=reason), None)
