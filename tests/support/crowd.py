"""People in calls of a service without network, on a clock that the test moves."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from acs_core import wire
from acs_core.core.facts import EndReason, Fact, PublicationKind
from acs_core.core.roster import Roster
from acs_core.errors import CallingError
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.membership import Membership
from acs_core.service.rooms import Rooms
from tests.support.virtual_clock import VirtualClock

__all__ = ["GROUP", "Crowd", "Member", "new", "raw", "refusal"]

GROUP = wire.GroupLocator(group_id="6e7d4a1e-0000-4000-8000-000000000001")

_Fact = TypeVar("_Fact", bound=Fact)


def raw(name: str) -> str:
    """The raw id of somebody."""
    return f"8:acs:r_{name}"


def new(kind: PublicationKind, name: str = "", *, enabled: bool = True) -> wire.NewPublication:
    return wire.NewPublication(key=uuid.uuid4().hex, kind=kind, name=name, enabled=enabled)


def refusal(action: Callable[[], object]) -> tuple[int, int]:
    """Code and sub code of what an action is refused with."""
    with pytest.raises(CallingError) as caught:
        action()
    return caught.value.code, caught.value.sub_code


class Member(EndpointObserver):
    """An endpoint's adapter; it follows the roster as a client would."""

    endpoint: Endpoint

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.notices: list[wire.Notice] = []
        self.withdrawn: list[str] = []
        self.ended: list[EndReason] = []
        self.roster = Roster()

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        self.facts += self.roster.apply(revision, facts)

    def on_withdrawn(self, publication: str) -> None:
        self.withdrawn.append(publication)

    def on_notice(self, notice: wire.Notice) -> None:
        self.notices.append(notice)

    def on_ended(self, reason: EndReason) -> None:
        self.ended.append(reason)

    def heard(self, kind: type[_Fact]) -> list[_Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def publish(self, kind: PublicationKind, **options: Any) -> str:
        (info,) = self.endpoint.publish([new(kind, **options)])
        return info.id


class Crowd:
    """Calls of a service, and who is in them."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.clock = VirtualClock()
        self.ended: list[ServerCall] = []
        self.calls = Calls(
            rooms=Rooms(clock=self.clock),
            on_ended=self.ended.append,
            new_id=lambda: f"{next(numbers):032x}",
            later=self.clock.call_later,
            clock=self.clock,
        )
        self.membership = Membership(self.calls)

    def principal(self, name: str) -> Principal:
        return Principal(raw(name), PrincipalKind.ACS, 2e9)

    def resolve(self, name: str, place: wire.Locator = GROUP) -> ServerCall:
        return self.calls.resolve(place, self.principal(name))

    def join(
        self,
        name: str,
        place: wire.Locator = GROUP,
        *kinds: PublicationKind,
        endpoint_id: str = "",
    ) -> Member:
        member = Member()
        call = self.resolve(name, place)
        member.endpoint = call.join(
            endpoint_id or uuid.uuid4().hex,
            self.principal(name),
            member,
            publications=[new(kind) for kind in kinds],
        )
        member.roster = Roster.restore(
            call.roster.revision,
            call.roster.endpoints.values(),
            call.roster.speakers,
            pending=call.roster.pending.values(),
            media_access=call.roster.media_access,
            call_type=call.type,
        )
        return member
