from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidStateError
from twilio_compat.gateway.tcmp import (
    KNOWN,
    ROWS,
    Action,
    Busy,
    Close,
    CloseCode,
    Deliver,
    Effect,
    Greet,
    Hello,
    Send,
    TcmpLimits,
    TcmpServer,
    TcmpState,
    TcmpTimes,
)

TIMES = TcmpTimes()
LIMITS = TcmpLimits()
ICE = {"type": "ice", "token": "t"}


def server(**limits: Any) -> TcmpServer:
    return TcmpServer(TIMES, TcmpLimits(**limits), now=0.0)


def hello(**changes: Any) -> str:
    message = {"type": "hello", "id": "1", "timeout": 5000, "version": 2, **changes}
    return json.dumps({key: value for key, value in message.items() if value is not ...})


def msg(body: Any) -> str:
    return json.dumps({"type": "msg", "body": body})


def opened(*, now: float = 0.0, **limits: Any) -> TcmpServer:
    tcmp = server(**limits)
    tcmp.receive(hello(), now=now)
    tcmp.welcome(now=now)
    return tcmp


def in_state(state: TcmpState) -> TcmpServer:
    tcmp = server()
    if state is TcmpState.CLOSED:
        tcmp.closed()
    if state in (TcmpState.EARLY, TcmpState.CLOSED):
        return tcmp
    tcmp.receive(hello(), now=0.0)
    match state:
        case TcmpState.WAITING:
            tcmp.busy(Busy(100, keep_alive=True), now=0.0)
        case TcmpState.REFUSED:
            tcmp.busy(Busy(100), now=0.0)
        case TcmpState.OPEN:
            tcmp.welcome(now=0.0)
        case TcmpState.LEAVING:
            tcmp.receive('{"type":"bye"}', now=0.0)
    assert tcmp.state is state
    return tcmp


def sent(effects: list[Effect]) -> list[dict[str, Any]]:
    return [json.loads(effect.text) for effect in effects if isinstance(effect, Send)]


def codes(effects: list[Effect]) -> list[CloseCode]:
    return [effect.code for effect in effects if isinstance(effect, Close)]


# ---------------------------------------------------------------- handshake


def test_a_hello_is_to_be_answered_and_its_body_follows_the_welcome() -> None:
    tcmp = server()
    asked = Hello(timeout=5.0, cookie="c", body=ICE)
    assert tcmp.receive(hello(cookie="c", body=ICE), now=0.0) == [Greet(asked)]
    effects = tcmp.welcome(now=0.0)
    assert sent(effects[:1]) == [{"type": "welcome", "negotiatedTimeout": 5000}]
    assert effects[1:] == [Deliver(ICE)]


def test_a_hello_without_a_body_hands_nothing_on() -> None:
    tcmp = server()
    assert tcmp.receive(hello(), now=0.0) == [Greet(Hello(timeout=5.0))]
    assert len(tcmp.welcome(now=0.0)) == 1


@pytest.mark.parametrize(
    ("asked", "negotiated"),
    [(5000, 5000), (2000, 2000), (60_000, 5000), (0.5, 500), (..., 5000), (None, 5000)],
)
def test_the_shorter_timeout_holds_unless_it_is_too_short(asked: Any, negotiated: int) -> None:
    tcmp = server()
    tcmp.receive(hello(timeout=asked), now=0.0)
    assert sent(tcmp.welcome(now=0.0))[0]["negotiatedTimeout"] == negotiated


def test_what_is_sent_early_waits_for_the_welcome() -> None:
    tcmp = server()
    assert tcmp.send({"n": 1}, now=0.0) == []
    tcmp.receive(hello(body=ICE), now=0.0)
    assert tcmp.send({"n": 2}, now=0.0) == []
    effects = tcmp.welcome(now=0.0)
    assert [message["type"] for message in sent(effects)] == ["welcome", "msg", "msg"]
    assert [message["body"] for message in sent(effects)[1:]] == [{"n": 1}, {"n": 2}]
    assert effects[-1] == Deliver(ICE)
    assert sent(tcmp.send({"n": 3}, now=0.0)) == [{"type": "msg", "body": {"n": 3}}]


def test_a_repeated_hello_is_welcomed_again_and_handed_on_once() -> None:
    tcmp = server()
    tcmp.receive(hello(body=ICE), now=0.0)
    assert tcmp.receive(hello(body=ICE), now=0.0) == []
    assert Deliver(ICE) in tcmp.welcome(now=0.0)
    for name in ("1", "2"):
        again = tcmp.receive(hello(id=name, body=ICE), now=1.0)
        assert again == [Send('{"type":"welcome","negotiatedTimeout":5000}')]


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 1},
        {"version": ...},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": True},
        {"timeout": "5000"},
        {"timeout": 10**400},
        {"timeout": 1e300},
        {"cookie": 1},
        {"body": "text"},
        {"body": []},
    ],
    ids=str,
)
def test_a_hello_that_is_wrong_is_bad(wrong: dict[str, Any]) -> None:
    tcmp = server()
    effects = tcmp.receive(hello(**wrong), now=0.0)
    assert sent(effects)[0]["type"] == "bad"
    assert sent(effects)[0]["reason"]
    assert codes(effects) == [CloseCode.MALFORMED]
    assert tcmp.state is TcmpState.CLOSED


def test_nothing_is_welcomed_or_sent_away_that_did_not_say_hello() -> None:
    for tcmp in (in_state(TcmpState.EARLY), in_state(TcmpState.OPEN), in_state(TcmpState.CLOSED)):
        with pytest.raises(InvalidStateError):
            tcmp.welcome(now=0.0)
        with pytest.raises(InvalidStateError):
            tcmp.busy(Busy(1), now=0.0)


def test_without_a_hello_the_socket_ends() -> None:
    tcmp = server()
    assert tcmp.next_deadline == TIMES.hello
    assert tcmp.tick(now=TIMES.hello - 0.1) == []
    assert codes(tcmp.tick(now=TIMES.hello)) == [CloseCode.HELLO_TIMEOUT]
    assert tcmp.next_deadline is None
    assert tcmp.tick(now=100.0) == []


# ---------------------------------------------------------------- busy


def test_busy_on_the_same_socket_waits_for_another_hello() -> None:
    tcmp = server()
    tcmp.receive(hello(body=ICE), now=0.0)
    effects = tcmp.busy(Busy(300, keep_alive=True, cookie="c"), now=1.0)
    assert sent(effects) == [
        {"type": "busy", "retryAfter": 300, "keepAlive": True, "cookie": "c"},
    ]
    assert tcmp.next_deadline == pytest.approx(1.3 + TIMES.hello)
    assert tcmp.receive(hello(id="2", body=ICE, cookie="c"), now=1.3) == [
        Greet(Hello(timeout=5.0, cookie="c", body=ICE))
    ]
    assert tcmp.welcome(now=1.3).count(Deliver(ICE)) == 1


def test_the_welcome_after_busy_may_come_unasked() -> None:
    tcmp = server()
    tcmp.receive(hello(body=ICE), now=0.0)
    tcmp.busy(Busy(300, keep_alive=True), now=0.0)
    assert tcmp.welcome(now=0.1)[-1] == Deliver(ICE)


def test_a_client_that_waits_and_does_not_come_back_is_closed() -> None:
    tcmp = in_state(TcmpState.WAITING)
    assert codes(tcmp.tick(now=0.1 + TIMES.hello)) == [CloseCode.HELLO_TIMEOUT]


@pytest.mark.parametrize("busy", [Busy(300), Busy(-1), Busy(-1, keep_alive=True)])
def test_busy_without_the_socket_leaves_the_close_to_the_client(busy: Busy) -> None:
    tcmp = server()
    tcmp.receive(hello(), now=0.0)
    effects = tcmp.busy(busy, now=0.0)
    assert [type(effect) for effect in effects] == [Send]
    assert "cookie" not in sent(effects)[0]
    assert tcmp.receive(hello(), now=1.0) == []
    assert tcmp.send({}, now=1.0) == []
    assert codes(tcmp.tick(now=TIMES.hello)) == [CloseCode.TRY_AGAIN_LATER]


# ---------------------------------------------------------------- life signs


def test_we_beat_before_we_are_missed_and_only_after_silence() -> None:
    tcmp = opened()
    assert tcmp.next_deadline == pytest.approx(4.8)
    assert tcmp.tick(now=4.7) == []
    assert sent(tcmp.tick(now=4.8)) == [{"type": "heartbeat"}]
    tcmp.receive('{"type":"heartbeat"}', now=6.0)
    tcmp.send({}, now=7.0)
    assert tcmp.next_deadline == pytest.approx(11.8)


def test_what_the_client_does_not_take_for_a_life_sign_delays_no_beat() -> None:
    tcmp = opened()
    assert sent(tcmp.receive("garbage", now=3.0))[0]["type"] == "bad"
    assert sent(tcmp.receive(hello(), now=3.0))[0]["type"] == "welcome"
    assert tcmp.next_deadline == pytest.approx(4.8)


def test_the_shortest_timeout_leaves_time_between_beats() -> None:
    times = TcmpTimes(heartbeat=0.1, shortest_heartbeat=0.05)
    tcmp = TcmpServer(times, LIMITS, now=0.0)
    tcmp.receive(hello(), now=0.0)
    tcmp.welcome(now=0.0)
    assert tcmp.next_deadline == pytest.approx(0.05)


def test_three_missed_beats_are_a_loss_and_late_ones_are_not() -> None:
    tcmp = opened()
    patience = TIMES.missed_beats * (5.0 + TIMES.grace)
    now, effects = 0.0, []
    while not codes(effects):
        assert tcmp.next_deadline is not None
        now = tcmp.next_deadline
        effects = tcmp.tick(now=now)
    assert now == pytest.approx(patience)
    assert codes(effects) == [CloseCode.BEATS_LOST]


@pytest.mark.parametrize("sign", ['{"type":"heartbeat"}', msg({}), '{"type":"unheard"}', "what"])
def test_whatever_comes_is_a_sign_of_life(sign: str) -> None:
    tcmp = opened()
    tcmp.receive(sign, now=17.0)
    assert codes(tcmp.tick(now=18.0)) == []
    assert codes(tcmp.tick(now=35.0)) == [CloseCode.BEATS_LOST]


# ---------------------------------------------------------------- the table


@pytest.mark.parametrize("kind", sorted(KNOWN))
@pytest.mark.parametrize("state", TcmpState)
def test_each_message_in_each_state_does_what_the_table_says(state: TcmpState, kind: str) -> None:
    tcmp = in_state(state)
    text = hello(id="2") if kind == "hello" else json.dumps({"type": kind, "body": {"n": 1}})
    effects = tcmp.receive(text, now=1.0)
    if state in (TcmpState.REFUSED, TcmpState.LEAVING, TcmpState.CLOSED):
        assert effects == []
        assert tcmp.state is state
        return
    match ROWS.get((state, kind)):
        case Action.GREET:
            assert effects == [Greet(Hello(timeout=5.0))]
            assert tcmp.state is TcmpState.GREETED
        case Action.WELCOME_AGAIN:
            assert sent(effects)[0]["type"] == "welcome"
            assert tcmp.state is state
        case Action.DELIVER:
            assert effects == [Deliver({"n": 1})]
            assert tcmp.state is state
        case Action.LEAVE:
            assert effects == []
            assert tcmp.state is TcmpState.LEAVING
            assert tcmp.has_said_bye
        case Action.NOTHING:
            assert effects == []
            assert tcmp.state is state
        case None:
            assert sent(effects)[0]["type"] == "bad"
            assert codes(effects) == [CloseCode.MALFORMED]


@pytest.mark.parametrize("state", [TcmpState.EARLY, TcmpState.WAITING, TcmpState.OPEN])
def test_messages_of_unknown_types_mean_nothing(state: TcmpState) -> None:
    tcmp = in_state(state)
    assert tcmp.receive('{"type":"new in version 3"}', now=0.0) == []
    assert tcmp.state is state


def test_after_bye_the_client_closes_and_if_not_we_do() -> None:
    tcmp = in_state(TcmpState.LEAVING)
    assert tcmp.send({}, now=0.0) == []
    assert codes(tcmp.tick(now=TIMES.hello)) == [CloseCode.OK]


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "3",
        "null",
        "{}",
        '{"type":3}',
        '{"type":"msg"}',
        '{"type":"msg","body":[]}',
        '{"type":"msg","body":{"n":NaN}}',
        '{"type":"msg","body":{"n":"\\ud800"}}',
        msg({"n": json.loads("[" * 31 + "]" * 31)}),
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_an_unreadable_message_is_bad_and_ends_only_a_handshake(text: str) -> None:
    tcmp = opened()
    effects = tcmp.receive(text, now=0.0)
    assert [message["type"] for message in sent(effects)] == ["bad"]
    assert codes(effects) == []
    early = server().receive(text, now=0.0)
    assert sent(early)[0]["type"] == "bad"
    assert codes(early) == [CloseCode.MALFORMED]


def test_a_message_may_be_as_deep_as_the_limit() -> None:
    deep = json.loads("[" * 30 + "]" * 30)
    assert opened(depth=32).receive(msg({"n": deep}), now=0.0) == [Deliver({"n": deep})]
    assert sent(opened(depth=31).receive(msg({"n": deep}), now=0.0))[0]["type"] == "bad"


def test_messages_that_are_too_large_end_the_socket() -> None:
    tcmp = opened(message=1000)
    assert codes(tcmp.receive(" " * 1001, now=0.0)) == [CloseCode.TOO_LARGE]
    assert tcmp.receive(msg({}), now=0.0) == []


def test_a_large_hello_carries_session_descriptions_or_is_refused() -> None:
    body = {"type": "ice", "token": "x" * LIMITS.hello}
    assert codes(server().receive(hello(body=body), now=0.0)) == [CloseCode.TOO_LARGE]
    for kind in ("connect", "sync"):
        effects = server().receive(hello(body={**body, "type": kind}), now=0.0)
        assert isinstance(effects[0], Greet)


def test_too_many_messages_end_the_socket() -> None:
    tcmp = opened(burst=10.0, messages_per_second=2.0)
    for _ in range(9):
        assert tcmp.receive(msg({}), now=0.0) == [Deliver({})]
    for _ in range(2):
        assert tcmp.receive(msg({}), now=1.0) == [Deliver({})]
    assert codes(tcmp.receive(msg({}), now=1.0)) == [CloseCode.TOO_FAST]


def test_large_messages_count_for_more() -> None:
    tcmp = opened(burst=10.0)
    large = msg({"n": "x" * 64 * 1024})
    assert tcmp.receive(large, now=0.0) != []
    assert codes(tcmp.receive(large, now=0.0)) == [CloseCode.TOO_FAST]


# ---------------------------------------------------------------- properties

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from([*sorted(KNOWN), "welcome", "new"]) | JSON},
    optional={
        "id": JSON,
        "version": st.just(2) | JSON,
        "timeout": st.just(5000) | JSON,
        "cookie": st.text() | JSON,
        "body": st.dictionaries(st.text(), JSON, max_size=3) | JSON,
    },
)
TEXTS = st.text() | JSON.map(json.dumps) | MESSAGES.map(json.dumps)


@given(st.lists(TEXTS | st.sampled_from([None, Busy(50, keep_alive=True), Busy(-1)]), max_size=12))
def test_any_text_has_an_effect_or_a_typed_close_and_never_an_exception(
    script: list[str | Busy | None],
) -> None:
    tcmp, now, is_welcomed = server(), 0.0, False
    answer: Busy | None = None
    for step in script:
        now += 0.25
        if not isinstance(step, str):
            answer = step
            continue
        effects = [*tcmp.tick(now=now), *tcmp.receive(step, now=now)]
        if any(isinstance(effect, Greet) for effect in effects):
            effects += tcmp.welcome(now=now) if answer is None else tcmp.busy(answer, now=now)
        for message in sent(effects):
            is_welcomed |= message["type"] == "welcome"
            assert is_welcomed or message["type"] in ("bad", "busy")
        for effect in effects:
            assert is_welcomed or not isinstance(effect, Deliver)
        if codes(effects):
            assert isinstance(effects[-1], Close)
            assert tcmp.state is TcmpState.CLOSED
    assert tcmp.next_deadline is None or tcmp.state is not TcmpState.CLOSED
