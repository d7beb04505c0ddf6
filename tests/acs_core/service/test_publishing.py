from __future__ import annotations

import itertools

from acs_core import wire
from acs_core.core.facts import ParticipantRole, PublicationKind
from acs_core.service.endpoints import Endpoint
from acs_core.service.publishing import new_publications
from acs_core.service.roles import set_role
from tests.support.crowd import Crowd, Member, new

Kind = PublicationKind


def made(endpoint: Endpoint, *wanted: wire.NewPublication) -> list[tuple[bool, bool]]:
    ids = (f"id{number}" for number in itertools.count())
    fresh = new_publications(
        endpoint, wanted, numbers=itertools.count(7), new_id=lambda: next(ids), now=12.5
    )
    publications = list(fresh)
    assert {item.offered_at for item in publications} == {12.5}
    assert [item.id for item in publications] == [f"id{i}" for i in range(len(wanted))]
    assert [item.info.number for item in publications] == [7 + i for i in range(len(wanted))]
    assert [item.info.name for item in publications] == [
        item.name or f"id{index}" for index, item in enumerate(wanted)
    ]
    return [(item.info.enabled, item.is_silenced) for item in publications]


def test_what_may_be_sent_is_as_its_owner_says() -> None:
    anna = Crowd().join("anna").endpoint
    wanted = (new(Kind.AUDIO, "voice"), new(Kind.VIDEO, enabled=False), new(Kind.DATA))
    assert made(anna, *wanted) == [(True, False), (False, False), (True, False)]


def test_what_may_not_be_sent_is_silenced_whatever_its_owner_says() -> None:
    crowd = Crowd()
    anna: Member = crowd.join("anna")
    set_role(anna.endpoint, ParticipantRole.CONSUMER)
    wanted = (new(Kind.AUDIO), new(Kind.VIDEO, enabled=False))
    assert made(anna.endpoint, *wanted) == [(False, True)] * 2


def test_what_waits_for_consent_is_silenced_from_the_publication_that_begins_a_recording() -> None:
    anna = Crowd().join("anna").endpoint
    anna.call.activity.require_consent()
    wanted = [new(Kind.AUDIO), new(Kind.DATA), new(Kind.VIDEO)]
    fresh = new_publications(anna, wanted, numbers=itertools.count(), new_id=lambda: "id", now=0.0)
    assert not next(fresh).is_silenced
    anna.call.activity.start_recording()
    assert [item.is_silenced for item in fresh] == [False, True]
