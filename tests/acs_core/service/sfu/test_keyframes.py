from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from acs_core.service.sfu.keyframes import KeyframeThrottle


def test_first_request_is_sent_at_once() -> None:
    throttle = KeyframeThrottle()
    assert throttle.next_deadline is None
    assert throttle.request(0.0)
    assert throttle.is_pending


def test_fifty_subscribers_that_join_at_once_cost_one_request() -> None:
    throttle = KeyframeThrottle()
    assert sum(throttle.request(index * 0.002) for index in range(50)) == 1


def test_request_soon_after_another_is_deferred() -> None:
    throttle = KeyframeThrottle(min_interval=0.5)
    throttle.request(0.0)
    throttle.keyframe_seen()
    assert not throttle.request(0.2)
    assert throttle.next_deadline == 0.5
    assert not throttle.due(0.4)
    assert throttle.due(0.5)
    assert not throttle.due(0.5)


def test_request_is_repeated_until_the_keyframe_is_there() -> None:
    throttle = KeyframeThrottle(retry_interval=1.0)
    throttle.request(0.0)
    assert throttle.next_deadline == 1.0
    assert throttle.due(1.0)
    throttle.keyframe_seen()
    assert not throttle.is_pending
    assert throttle.next_deadline is None
    assert not throttle.due(2.0)


def test_publisher_that_does_not_answer_is_left_alone_until_somebody_asks_again() -> None:
    throttle = KeyframeThrottle(retry_interval=1.0, max_attempts=3)
    sent = [throttle.request(0.0), *(throttle.due(float(second)) for second in range(1, 10))]
    assert sum(sent) == 3
    assert throttle.next_deadline is None
    assert throttle.request(10.0)


@given(st.lists(st.tuples(st.floats(0, 0.4), st.sampled_from(["request", "due", "seen"]))))
def test_requests_are_never_closer_than_the_interval(script: list[tuple[float, str]]) -> None:
    throttle = KeyframeThrottle(min_interval=0.5, retry_interval=1.0)
    now = 0.0
    sent: list[float] = []
    for step, action in script:
        now += step
        match action:
            case "request":
                is_sent = throttle.request(now)
            case "due":
                is_sent = throttle.due(now)
            case _:
                is_sent = False
                throttle.keyframe_seen()
        if is_sent:
            sent.append(now)
    assert all(b - a >= 0.5 - 1e-9 for a, b in pairwise(sent))
    # Whoever waits is served: there is a time at which to look again.
    assert throttle.is_pending == (throttle.next_deadline is not None)
