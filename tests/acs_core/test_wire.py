from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core import wire
from acs_core.core.facts import EndReason, PublicationKind
from acs_core.errors import ProtocolError

TEXT = st.text(max_size=20)
LOCATORS = st.one_of(
    st.builds(lambda text: wire.GroupLocator(group_id=text), TEXT),
    st.builds(lambda text: wire.RoomLocator(room=text), TEXT),
)
NEW = st.builds(
    lambda key, kind, name: wire.NewPublication(key=key, kind=kind, name=name),
    TEXT,
    st.sampled_from(PublicationKind),
    TEXT,
)
BODIES: st.SearchStrategy[wire.RequestBody] = st.one_of(
    st.builds(
        lambda endpoint, locator, offer, news: wire.Join(
            endpoint=endpoint, locator=locator, offer=offer, publications=tuple(news)
        ),
        TEXT,
        LOCATORS,
        st.none() | TEXT,
        st.lists(NEW, max_size=3),
    ),
    st.builds(lambda text, flag: wire.Leave(endpoint=text, for_everyone=flag), TEXT, st.booleans()),
    st.builds(
        lambda text, number: wire.Answer(
            endpoint=text, connection=number, revision=number, sdp=text
        ),
        TEXT,
        st.integers(0, 9),
    ),
)


@given(st.integers(1, 1 << 31), BODIES)
def test_requests_survive_the_wire(number: int, body: wire.RequestBody) -> None:
    request = wire.Request(id=number, body=body)
    assert wire.decode_client(wire.encode(request)) == request


@given(st.integers(1, 1 << 31), TEXT)
def test_deliveries_survive_the_wire(number: int, text: str) -> None:
    ended = wire.Ended(endpoint=text, reason=EndReason(code=1, message=text))
    delivery = wire.Delivery(seq=number, body=ended)
    assert wire.decode_service(wire.encode(delivery)) == delivery


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT | st.just("hello"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "id", "body", "version", "token"]), inner)
    ),
)


@given(JSON.map(json.dumps) | st.text())
def test_nothing_but_a_protocol_error_comes_of_garbage(text: str) -> None:
    for decode in (wire.decode_client, wire.decode_service):
        refusal = None
        try:
            decode(text)
        except ProtocolError as error:
            refusal = error
        assert refusal is None or refusal.stage is not None


def test_brackets_in_strings_do_no_harm() -> None:
    hello = wire.Hello(version=1, token='["\\{' * 100)
    assert wire.decode_client(wire.encode(hello)) == hello


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000, '{"type":"hello","x":' + "[" * 100_000]
)
def test_deep_messages_are_refused(text: str) -> None:
    for decode in (wire.decode_client, wire.decode_service):
        with pytest.raises(ProtocolError, match="Unreadable"):
            decode(text)


@pytest.mark.parametrize(
    "limits",
    [
        '{"max_retransmits":1,"max_packet_life_time_ms":1}',
        '{"max_retransmits":-1}',
        '{"max_retransmits":65536}',
        '{"max_packet_life_time_ms":65536}',
    ],
)
def test_a_data_publication_with_impossible_limits_is_refused(limits: str) -> None:
    publication = f'{{"key":"k","kind":"data","reliability":{limits}}}'
    body = (
        '{"type":"join","endpoint":"e","locator":{"type":"room","room":"r"},'
        f'"publications":[{publication}]}}'
    )
    text = f'{{"type":"request","id":1,"body":{body}}}'
    with pytest.raises(ProtocolError, match="65535"):
        wire.decode_client(text)
    assert wire.decode_client(text.replace(limits, '{"max_retransmits":65535}'))


def test_large_messages_are_refused_before_they_are_parsed() -> None:
    hello = wire.encode(wire.Hello(version=1, token="x" * wire.HELLO_LIMIT))
    with pytest.raises(ProtocolError) as refused:
        wire.decode_client(hello, limit=wire.HELLO_LIMIT)
    assert refused.value.code == 413
