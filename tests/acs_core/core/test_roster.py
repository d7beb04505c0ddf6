from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acs_core.core.facts import (
    AttributesChanged,
    ConnectionState,
    EndpointAttributes,
    EndpointChanged,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    Fact,
    MediaAccessChanged,
    PendingChanged,
    PendingGone,
    PendingParticipant,
    PendingState,
    Priority,
    PublicationAdded,
    PublicationChanged,
    PublicationInfo,
    PublicationKind,
    PublicationRemoved,
    SpeakersChanged,
)
from acs_core.core.roster import Roster
from acs_core.errors import ProtocolError

ENDPOINTS = st.sampled_from("abcd")
PUBLICATIONS = st.sampled_from("123456")


def info(publication: str) -> PublicationInfo:
    return PublicationInfo(id=publication, number=1, kind=PublicationKind.VIDEO, name=publication)


FACTS: st.SearchStrategy[Fact] = st.one_of(
    st.builds(
        lambda endpoint, publications: EndpointJoined(
            endpoint=EndpointInfo(
                id=endpoint, identity=endpoint, publications=tuple(map(info, publications))
            )
        ),
        ENDPOINTS,
        st.lists(PUBLICATIONS, max_size=2),
    ),
    st.builds(
        lambda endpoint, state: EndpointChanged(endpoint=endpoint, state=state),
        ENDPOINTS,
        st.sampled_from(ConnectionState),
    ),
    st.builds(lambda endpoint: EndpointLeft(endpoint=endpoint), ENDPOINTS),
    st.builds(
        lambda endpoint, publication: PublicationAdded(
            endpoint=endpoint, publication=info(publication)
        ),
        ENDPOINTS,
        PUBLICATIONS,
    ),
    st.builds(
        lambda publication, enabled: PublicationChanged(
            publication=publication, enabled=enabled, priority=Priority.HIGH
        ),
        PUBLICATIONS,
        st.booleans(),
    ),
    st.builds(lambda publication: PublicationRemoved(publication=publication), PUBLICATIONS),
    st.builds(lambda dominant: SpeakersChanged(dominant=dominant), ENDPOINTS),
)


def state_of(roster: Roster) -> tuple[int, list[EndpointInfo], SpeakersChanged]:
    return roster.revision, list(roster.endpoints.values()), roster.speakers


@given(st.lists(FACTS))
def test_every_fact_is_applied_whole_or_refused_without_a_trace(facts: list[Fact]) -> None:
    roster = Roster()
    for fact in facts:
        before = state_of(roster)
        try:
            revision = roster.commit(fact)
        except ProtocolError:
            assert state_of(roster) == before
        else:
            assert revision == before[0] + 1


class TwoEnds(RuleBasedStateMachine):
    """The service commits; a client applies what arrives, with repeats, from any snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.service = Roster()
        self.log: list[Fact] = []
        self.client = Roster()

    @initialize(facts=st.lists(FACTS, max_size=10))
    def join_late(self, facts: list[Fact]) -> None:
        for fact in facts:
            self._commit(fact)
        revision, endpoints, speakers = state_of(self.service)
        self.client = Roster.restore(revision, endpoints, speakers)

    def _commit(self, fact: Fact) -> None:
        try:
            self.service.commit(fact)
        except ProtocolError:
            return
        self.log.append(fact)

    @rule(fact=FACTS)
    def change(self, fact: Fact) -> None:
        self._commit(fact)

    @rule(back=st.integers(0, 5), ahead=st.integers(1, 5))
    def deliver_some_again_and_some_new(self, back: int, ahead: int) -> None:
        start = max(0, self.client.revision - back)
        end = min(len(self.log), self.client.revision + ahead)
        known = self.client.revision
        new = self.client.apply(end, self.log[start:end])
        assert new == tuple(self.log[known:end])

    @rule()
    def lose_one_and_deliver_the_next(self) -> None:
        missing = self.client.revision
        if missing + 1 < len(self.log):
            before = state_of(self.client)
            with pytest.raises(ProtocolError, match="missing"):
                self.client.apply(missing + 2, self.log[missing + 1 : missing + 2])
            assert state_of(self.client) == before

    @invariant()
    def both_ends_agree_at_the_same_revision(self) -> None:
        if self.client.revision == self.service.revision:
            assert state_of(self.client) == state_of(self.service)


TestTwoEnds = TwoEnds.TestCase


def test_a_batch_with_one_impossible_fact_changes_nothing() -> None:
    roster = Roster()
    roster.commit(EndpointJoined(endpoint=EndpointInfo(id="a", identity="a")))
    before = state_of(roster)
    with pytest.raises(ProtocolError):
        roster.apply(
            3,
            (
                PublicationAdded(endpoint="a", publication=info("1")),
                PublicationRemoved(publication="2"),
            ),
        )
    assert state_of(roster) == before


def test_publications_are_found_by_id_until_their_endpoint_leaves() -> None:
    roster = Roster()
    endpoint = EndpointInfo(id="a", identity="a", publications=(info("1"), info("2")))
    roster.commit(EndpointJoined(endpoint=endpoint))
    roster.commit(PublicationChanged(publication="2", enabled=False, priority=Priority.LOW))
    found = roster.publication("2")
    assert found is not None
    assert (found.enabled, found.priority) == (False, Priority.LOW)
    assert roster.owner("1") == roster.endpoints["a"]
    roster.commit(EndpointLeft(endpoint="a"))
    assert roster.publication("2") is None
    assert roster.owner("1") is None


def test_an_endpoint_cannot_bring_a_publication_that_is_taken() -> None:
    roster = Roster()
    roster.commit(
        EndpointJoined(endpoint=EndpointInfo(id="a", identity="a", publications=(info("1"),)))
    )
    with pytest.raises(ProtocolError, match="taken"):
        roster.commit(
            EndpointJoined(endpoint=EndpointInfo(id="b", identity="b", publications=(info("1"),)))
        )
    assert list(roster.endpoints) == ["a"]


def test_somebody_is_expected_until_they_come_or_not() -> None:
    roster = Roster()
    ringing = PendingParticipant(identity="8:acs:r_b", name="B", state=PendingState.RINGING)
    roster.commit(PendingChanged(participant=PendingParticipant(identity="8:acs:r_b", name="B")))
    roster.commit(PendingChanged(participant=ringing))
    assert list(roster.pending.values()) == [ringing]
    copy = Roster.restore(roster.revision, (), pending=roster.pending.values())
    copy.apply(roster.revision + 1, (PendingGone(identity="8:acs:r_b"),))
    assert not copy.pending
    with pytest.raises(ProtocolError):
        copy.apply(roster.revision + 2, (PendingGone(identity="8:acs:r_b"),))


def test_attributes_belong_to_an_endpoint() -> None:
    roster = Roster.restore(0, (EndpointInfo(id="a" * 32, identity="8:acs:r_a"),))
    raised = EndpointAttributes(hand=3)
    roster.commit(AttributesChanged(endpoint="a" * 32, attributes=raised))
    assert roster.endpoints["a" * 32].attributes == raised
    with pytest.raises(ProtocolError):
        roster.commit(AttributesChanged(endpoint="b" * 32, attributes=raised))


def test_media_access_is_part_of_the_roster_and_survives_a_refused_change() -> None:
    forbidden = MediaAccessChanged(is_audio_permitted=False)
    roster = Roster.restore(3, [], media_access=forbidden)
    assert roster.media_access == forbidden
    permitted = MediaAccessChanged()
    with pytest.raises(ProtocolError):
        roster.apply(5, [permitted, PendingGone(identity="8:acs:r_nobody")])
    assert roster.media_access == forbidden
    assert roster.apply(4, [permitted]) == (permitted,)
    assert roster.media_access == permitted
