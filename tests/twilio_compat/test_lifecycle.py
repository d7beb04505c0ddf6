from __future__ import annotations

import pytest

from twilio_compat.errors import create_twilio_error
from twilio_compat.lifecycle import (
    EventListener,
    Lifecycle,
    LifecycleEvent,
    LifecycleName,
    check_listener,
)


class Clock:
    now = 10.0

    def __call__(self) -> float:
        return self.now


def test_a_listener_is_told_with_the_time_since_the_start() -> None:
    heard: list[LifecycleEvent] = []
    clock = Clock()
    lifecycle = Lifecycle(EventListener().on("event", heard.append), clock)
    lifecycle.tell(LifecycleName.CONNECTING)
    clock.now = 10.25
    lifecycle.tell(LifecycleName.OPEN)
    assert [(one.name, one.elapsedTime, one.level, one.group) for one in heard] == [
        ("connecting", 0, "info", "signaling"),
        ("open", 250, "info", "signaling"),
    ]
    assert heard[0].timestamp > 1.7e12


@pytest.mark.parametrize(
    ("error", "reason", "level"),
    [
        (None, "local", "info"),
        (create_twilio_error(53006), "busy", "error"),
        (create_twilio_error(53002), "timeout", "error"),
        (create_twilio_error(53205), "remote", "error"),
        (create_twilio_error(53000), "failed", "error"),
        (OSError("x"), "failed", "error"),
    ],
)
def test_the_end_has_a_reason_and_is_told_once(
    error: BaseException | None, reason: str, level: str
) -> None:
    heard: list[LifecycleEvent] = []
    lifecycle = Lifecycle(EventListener().on("event", heard.append), Clock())
    lifecycle.closed(error)
    lifecycle.closed(None)
    assert [(one.name, one.payload, one.level) for one in heard] == [
        ("closed", {"reason": reason}, level)
    ]


def test_nobody_needs_to_listen(caplog: pytest.LogCaptureFixture) -> None:
    Lifecycle(None, Clock()).closed(None)
    assert caplog.text == ""


def test_a_listener_that_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def emit(self, event: str, *arguments: object) -> None:
            raise RuntimeError("broken")

    Lifecycle(Broken(), Clock()).tell(LifecycleName.EARLY)
    assert "broken" in caplog.text


def test_a_listener_must_emit() -> None:
    assert check_listener(None) is None
    with pytest.raises(TypeError, match="eventListener must be an EventEmitter"):
        check_listener(print)
