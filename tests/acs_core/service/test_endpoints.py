from __future__ import annotations

import itertools

import pytest

from acs_core import wire
from acs_core.core.facts import Priority, PublicationKind, SpeakersChanged
from acs_core.core.receiving import (
    Forwarding,
    PauseReason,
    ReceiveHint,
    ReceivePolicy,
    ReceivePriority,
)
from acs_core.errors import InvalidArgumentError
from acs_core.service.calls import CallLimits, Calls
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.rooms import Rooms

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")
USER = Principal("8:acs:r_anna", PrincipalKind.ACS, 2e9)


class Adapter(EndpointObserver):
    def __init__(self) -> None:
        self.forwardings: list[Forwarding] = []
        self.demands: list[tuple[str, tuple[bool, ...]]] = []

    def on_forwarding(self, changes: tuple[Forwarding, ...]) -> None:
        self.forwardings += changes

    def on_layer_demand(self, publication: str, layers: tuple[bool, ...]) -> None:
        self.demands.append((publication, layers))


class Pair:
    """A publisher of one video, and a viewer."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        calls = Calls(
            rooms=Rooms(),
            limits=CallLimits(policy_length=2),
            new_id=lambda: f"{next(numbers):032x}",
        )
        self.call = calls.resolve(GROUP, USER)
        self.owner, self.adapter = Adapter(), Adapter()
        video = wire.NewPublication(key="v", kind=PublicationKind.VIDEO)
        self.publisher = self.call.join("1" * 32, USER, self.owner, publications=[video])
        self.viewer: Endpoint = self.call.join("2" * 32, USER, self.adapter)
        (self.key,) = self.publisher.publications

    def forward(self, reason: PauseReason | None = None, layer: int | None = None) -> None:
        forwarding = Forwarding(publication=self.key, reason=reason, layer=layer)
        self.viewer.set_forwardings({self.key: forwarding})

    @property
    def told(self) -> list[PauseReason | None]:
        return [item.reason for item in self.adapter.forwardings]


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_what_was_never_off_is_not_told_to_be_on(pair: Pair) -> None:
    pair.forward()
    pair.forward(layer=1)
    assert pair.told == []
    assert pair.viewer.forwardings[pair.key].layer == 1


def test_each_switch_and_each_other_reason_is_told_once(pair: Pair) -> None:
    pair.forward(PauseReason.BUDGET)
    pair.forward(PauseReason.BUDGET)
    pair.forward(PauseReason.HIDDEN)
    pair.forward(layer=2)
    pair.forward(layer=0)
    assert pair.told == [PauseReason.BUDGET, PauseReason.HIDDEN, None]


def test_what_was_told_holds_while_nothing_is_subscribed(pair: Pair) -> None:
    pair.forward(PauseReason.HIDDEN)
    pair.viewer.set_forwardings({})
    pair.forward(PauseReason.HIDDEN)
    assert pair.told == [PauseReason.HIDDEN]
    pair.viewer.set_forwardings({})
    pair.forward()
    assert pair.told == [PauseReason.HIDDEN, None]


def test_what_was_told_of_a_publication_goes_with_it(pair: Pair) -> None:
    pair.forward(PauseReason.HIDDEN)
    pair.publisher.unpublish(pair.key)
    pair.viewer.set_forwardings({})
    assert pair.viewer.forwardings == {}
    pair.forward()
    assert pair.told == [PauseReason.HIDDEN]


def test_who_left_is_told_nothing_more(pair: Pair) -> None:
    pair.viewer.leave()
    pair.forward(PauseReason.HIDDEN)
    pair.publisher.leave()
    pair.publisher.set_layer_demand(pair.key, (False, False))
    assert pair.told == []
    assert pair.owner.demands == []


def test_all_layers_are_in_demand_until_told_otherwise(pair: Pair) -> None:
    one, both = (True, False), (True, True)
    for layers in (both, one, one, both):
        pair.publisher.set_layer_demand(pair.key, layers)
    assert pair.owner.demands == [(pair.key, one), (pair.key, both)]
    assert pair.publisher.layer_demands == {pair.key: both}
    pair.publisher.unpublish(pair.key)
    assert pair.publisher.layer_demands == {}
    pair.publisher.set_layer_demand(pair.key, one)
    assert len(pair.owner.demands) == 2


def test_hints_and_priorities_of_a_policy_are_limited(pair: Pair) -> None:
    hints = tuple(ReceiveHint(publication=f"{index}") for index in range(3))
    priorities = tuple(
        ReceivePriority(publication=f"{index}", priority=Priority.LOW) for index in range(3)
    )
    pair.viewer.set_policy(ReceivePolicy(hints=hints[:2], priorities=priorities[:2]))
    for policy in (ReceivePolicy(hints=hints), ReceivePolicy(priorities=priorities)):
        with pytest.raises(InvalidArgumentError):
            pair.viewer.set_policy(policy)


def test_whatever_may_change_what_is_forwarded_is_told_to_the_call(pair: Pair) -> None:
    changes: list[Endpoint | None] = []
    pair.call.on_change = changes.append
    pair.viewer.set_policy(ReceivePolicy(hints=(ReceiveHint(publication=pair.key),)))
    assert changes == [pair.viewer]
    pair.publisher.update(pair.key, enabled=False, priority=Priority.LOW)
    assert changes == [pair.viewer, None]
    one = SpeakersChanged(dominant=pair.publisher.id)
    pair.call.speakers_changed(one)
    assert changes == [pair.viewer, None, None]
    both = SpeakersChanged(dominant=one.dominant, speaking=(pair.viewer.id,))
    pair.call.speakers_changed(both)
    assert changes == [pair.viewer, None, None]
