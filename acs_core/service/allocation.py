"""Who gets which video at which layer: the shell around the bandwidth engine.

Theory of operation. Each endpoint has an allocator and an estimate of its downlink (both pure, in
`sfu/`). It is judged again soon after something changed that matters (what it wants, what is
published, who speaks, which layers arrive; `ServerCall.on_change`), in a turn of its own, and again
while its downlink limits it and changes. What comes out goes to its connections
(`MediaTransport.set_forwarding`) and to `Endpoint.set_forwardings`. A stream either end of which is
on hold is paused, sound included, and nobody is told: the roster says it. What all endpoints want
of a publication with several layers goes to its owner (`Endpoint.set_layer_demand`): more at once,
less only after it lasted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from acs_core.core.facts import PublicationInfo
from acs_core.service.downlinks import DownlinkMeter
from acs_core.service.endpoints import Endpoint, Publication
from acs_core.service.server_call import ServerCall
from acs_core.service.sfu.bandwidth import BandwidthAllocator, DownlinkBudget, VideoDemand
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.layers import LayerState
from acs_core.service.sfu.plane.messages import ConnectionStats
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.router import Router
from acs_core.service.sfu.transport import MediaTransport
from acs_core.service.sfu.turns import TurnQueue

__all__ = ["AllocationTimes", "Allocations"]

_log = logging.getLogger(__name__)

LAYERS_LAST: Final = 1.0
"""Seconds after which the layers' bitrates may have become others."""
MOVED: Final = 0.05
"""The part by which a budget must change to matter."""


@dataclass(frozen=True, slots=True)
class AllocationTimes:
    """Seconds.

    Attributes:
        interval: Between two looks at the downlinks.
        demand_hold: For which less must be wanted of a publication until its owner is told.
    """

    interval: float = 0.25
    demand_hold: float = 5.0


class Allocations:
    """Allocates for every call of a service; made when the engine runs, `close` it once."""

    def __init__(self, engine: SfuEngine, times: AllocationTimes | None = None) -> None:
        self._engine = engine
        self._times = times or AllocationTimes()
        self._calls: dict[Router, _CallAllocation] = {}
        self._loop = asyncio.get_running_loop()
        engine.on_layers = self._layers_changed
        self._task = asyncio.create_task(self._run(), name="bandwidth allocation")

    def add(self, call: ServerCall) -> None:
        """A call has begun."""
        allocation = _CallAllocation(call, self._engine, self._times)
        self._calls[call.router] = allocation
        call.on_change = allocation.request

    def remove(self, call: ServerCall) -> None:
        """It is over."""
        if self._calls.pop(call.router, None) is not None:
            call.on_change = None

    async def close(self) -> None:
        """End the task; nothing is allocated any more."""
        self._engine.on_layers = None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for allocation in list(self._calls.values()):
            self.remove(allocation.call)

    def _layers_changed(self, producer: Producer) -> None:
        if producer.kind != "video" or producer.router is None:
            return
        allocation = self._calls.get(producer.router)
        if allocation is not None:
            allocation.request()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._times.interval)
            for allocation in list(self._calls.values()):
                if not allocation.call.endpoints:
                    continue  # thousands of rooms may wait for participants
                allocation.refresh_offers()
                # One connection that cannot be served must not cost the others theirs.
                for receiver in allocation.receivers:
                    try:
                        receiver.look(self._engine.connection_stats, self._loop.time())
                    except Exception:
                        _log.exception("bandwidth was not allocated for %s", receiver.endpoint.id)
                    # Packets go first: a call of fifty takes longer than one may wait.
                    await asyncio.sleep(0)
                try:
                    allocation.tell_demand()
                except Exception:
                    _log.exception("the demand of call %s was not told", allocation.call.id)


@dataclass(frozen=True, slots=True)
class _Offer:
    """A video that is published in a call, as every receiver of it sees it."""

    publication: Publication
    layers: tuple[LayerState, ...]

    @property
    def info(self) -> PublicationInfo:
        return self.publication.info

    @property
    def owner(self) -> Endpoint:
        return self.publication.owner


class _CallAllocation:
    """The receivers of one call, and what they want of each other's layers."""

    def __init__(self, call: ServerCall, engine: SfuEngine, times: AllocationTimes) -> None:
        self.call = call
        self._turns = engine.turns
        self._times = times
        self._loop = asyncio.get_running_loop()
        self._receivers: dict[str, _Receiver] = {}
        self._offers: dict[str, _Offer] | None = None
        self._lower_since: dict[str, float] = {}
        self._disabled: set[str] = set()

    @property
    def receivers(self) -> list[_Receiver]:
        """One for each endpoint, as of the last request."""
        return list(self._receivers.values())

    @property
    def offers(self) -> Mapping[str, _Offer]:
        """The videos whose media is known, by publication, oldest first."""
        if self._offers is None:
            self._offers = {
                item.id: _Offer(item, item.source.layer_states())
                for item in self.call.publications
                if item.info.kind.media == "video" and isinstance(item.source, Producer)
            }
            numbers = sorted(self._offers.items(), key=lambda item: item[1].info.number)
            self._offers = dict(numbers)
        return self._offers

    def refresh_offers(self) -> None:
        """Look at the layers anew when they are asked for."""
        self._offers = None

    def request(self, changed: Endpoint | None = None) -> None:
        """Judge again soon what an endpoint gets; what everybody gets when it is None."""
        if changed is None:
            self._meter_anew()
        self.refresh_offers()
        present = self.call.endpoints
        self._receivers = {
            key: receiver
            for key, receiver in self._receivers.items()
            if present.get(key) is receiver.endpoint
        }
        for key, endpoint in present.items():
            if key not in self._receivers:
                self._receivers[key] = _Receiver(endpoint, self, self._turns)
            if changed is None or endpoint is changed:
                self._receivers[key].request()
        self._turns.add(self.tell_demand)

    def _meter_anew(self) -> None:
        """Black pictures say nothing of what a video needs once it is enabled again."""
        disabled = set()
        for item in self.call.publications:
            if not item.info.enabled:
                disabled.add(item.id)
            elif item.id in self._disabled and isinstance(item.source, Producer):
                for layer in item.source.layers:
                    layer.bitrate.reset()
        self._disabled = disabled

    def tell_demand(self) -> None:
        """Tell the owners of videos with several layers which of them are received."""
        layered = []
        for offer in self.offers.values():
            if len(offer.layers) > 1:
                layered.append(offer)
            else:
                offer.owner.forget_layer_demand(offer.info.id)
        most: dict[str, int] = {}
        for receiver in self._receivers.values() if layered else ():
            for key, layer in receiver.wanted_layers.items():
                most[key] = max(layer, most.get(key, layer))
        now = self._loop.time()
        for offer in layered:
            # A recording takes the best there is.
            is_recorded = self.call.roster.is_recording and self.call.is_recorded(offer.publication)
            top = len(offer.layers) - 1 if is_recorded else most.get(offer.info.id, -1)
            self._tell_one(offer, tuple(layer.index <= top for layer in offer.layers), now)
        present = {offer.info.id for offer in layered}
        self._lower_since = {key: at for key, at in self._lower_since.items() if key in present}

    def _tell_one(self, offer: _Offer, wanted: tuple[bool, ...], now: float) -> None:
        key = offer.info.id
        everything = (True,) * len(wanted)
        told = offer.owner.layer_demands.get(key, everything)
        if len(told) != len(wanted):
            # That was about a stream that this one replaces, and may keep layers off.
            told = everything
            offer.owner.set_layer_demand(key, everything)
        if any(one and not other for one, other in zip(wanted, told, strict=True)):
            told = wanted
            offer.owner.set_layer_demand(key, wanted)
        if told == wanted:
            self._lower_since.pop(key, None)
        elif now - self._lower_since.setdefault(key, now) >= self._times.demand_hold:
            del self._lower_since[key]
            offer.owner.set_layer_demand(key, wanted)


class _Receiver:
    """One endpoint's downlink, and what it gets.

    Attributes:
        wanted_layers: By publication: what it would get without a limit; absent what is off.
    """

    def __init__(self, endpoint: Endpoint, allocation: _CallAllocation, turns: TurnQueue) -> None:
        self.endpoint = endpoint
        self.wanted_layers: dict[str, int] = {}
        self._allocation = allocation
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._allocator = BandwidthAllocator()
        self._meter = DownlinkMeter()
        self._is_layered = False
        self._is_waiting = False
        self._is_asked_again = False
        self._judged: tuple[DownlinkBudget, float] | None = None

    def request(self) -> None:
        """Judge soon; after what waits for its turn now."""
        if self._is_waiting:
            self._is_asked_again = True
        else:
            self._is_waiting = True
            self._turns.add(self._take_turn)

    def _take_turn(self) -> None:
        self._is_waiting = False
        if self._is_asked_again:
            # What it asks about may have come after its place in the queue.
            self._is_asked_again = False
            self.request()
        self._judge(self._loop.time())

    @property
    def _is_measured(self) -> bool:
        """Whether it matters what the downlink carries."""
        return self.endpoint.policy.profile is not None or self._is_layered

    def look(self, stats: Callable[[MediaTransport], ConnectionStats], now: float) -> None:
        """Follow the downlink, judge again while it limits anything, bring connections in line."""
        if self._is_measured:
            was_limited = self._is_limited
            transports, wanted = self.endpoint.observer.transports, self._allocator.wanted_bps
            self._meter.measure(transports, stats, wanted, now)
            if (was_limited or self._is_limited) and self._is_due(now):
                self._judge(now)
        # They may have begun to forward something only now.
        self._apply()

    def _is_due(self, now: float) -> bool:
        """Whether judging again may come to something else than the last time."""
        if self._judged is None:
            return True
        budget, judged_at = self._judged
        deadline = self._allocator.next_deadline
        return (
            now - judged_at >= LAYERS_LAST
            or (deadline is not None and now >= deadline)
            or _has_moved(budget, self._meter.budget)
        )

    @property
    def _is_limited(self) -> bool:
        profile = self.endpoint.policy.profile
        has_maximum = profile is not None and profile.max_bitrate_bps is not None
        return has_maximum or self._meter.budget.video_bps is not None

    def _judge(self, now: float) -> None:
        endpoint = self.endpoint
        if not endpoint.is_in_call:
            self.wanted_layers = {}
            return
        demands = self._demands()
        self._is_layered = any(len(demand.layers) > 1 for demand in demands)
        budget = self._meter.budget if self._is_measured else DownlinkBudget()
        self._judged = (budget, now)
        allotments = self._allocator.allocate(demands, endpoint.policy.profile, budget, now)
        self.wanted_layers = {
            key: allotment.wanted_layer
            for key, allotment in allotments.items()
            if allotment.wanted_layer is not None
        }
        forwardings = {key: allotment.forwarding for key, allotment in allotments.items()}
        if forwardings != endpoint.forwardings:
            endpoint.set_forwardings(forwardings)
        self._apply()

    def _demands(self) -> list[VideoDemand]:
        endpoint = self.endpoint
        policy, dominant = endpoint.policy, endpoint.call.roster.speakers.dominant
        hints = {hint.publication: hint for hint in policy.hints}
        priorities = {item.publication: item.priority for item in policy.priorities}
        demands = []
        for key, offer in self._allocation.offers.items():
            if key not in endpoint.subscriptions:
                continue
            hint = hints.get(key)
            demands.append(
                VideoDemand(
                    key,
                    offer.layers,
                    priority=offer.info.priority,
                    override=priorities.get(key),
                    is_dominant=offer.owner.id == dominant,
                    is_enabled=offer.info.enabled,
                    is_hidden=hint is not None and hint.enabled is False,
                    size=None if hint is None else hint.size,
                )
            )
        return demands

    def _apply(self) -> None:
        forwardings = self.endpoint.forwardings
        is_held = self._held()
        for transport in self.endpoint.observer.transports:
            for key, consumer in list(transport.consumers.items()):
                forwarding = forwardings.get(key)
                is_on = forwarding is None or forwarding.is_on
                is_paused = not is_on or is_held(key)
                # Only videos have a forwarding; sound is paused by a hold alone.
                layer = consumer.wanted_layer
                if forwarding is not None and not is_paused:
                    layer = forwarding.layer
                if (consumer.wanted_layer, consumer.is_paused) != (layer, is_paused):
                    transport.set_forwarding(key, layer=layer, is_paused=is_paused)

    def _held(self) -> Callable[[str], bool]:
        """Of which publications either end is on hold."""
        roster = self.endpoint.call.roster
        held = {info.id for info in roster.endpoints.values() if info.attributes.is_on_hold}
        if not held or self.endpoint.id in held:
            return lambda _: bool(held)

        def is_held(publication: str) -> bool:
            owner = roster.owner(publication)
            return owner is not None and owner.id in held

        return is_held


def _has_moved(before: DownlinkBudget, after: DownlinkBudget) -> bool:
    if before.video_bps is None or after.video_bps is None:
        return before != after
    moved = abs(after.video_bps - before.video_bps) > MOVED * before.video_bps
    return moved or after.has_loss is not before.has_loss
