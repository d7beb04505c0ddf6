"""The option `eventListener`: an emitter that is told how the connection to the room fares.

Source: twilio-video.js 2.36, `EventListener` of `lib/connect.js`: event "event" with one object.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Final, Protocol, final, runtime_checkable

from twilio_compat.emitter import EventEmitter
from twilio_compat.error_classes import TwilioError

__all__ = [
    "EventListener",
    "Lifecycle",
    "LifecycleEvent",
    "LifecycleListener",
    "LifecycleName",
    "check_listener",
]

_log = logging.getLogger(__name__)

_EVENT: Final = "event"
_BUSY: Final = 53006
_TIMEOUTS: Final = frozenset({53001, 53002})
_ENDED: Final = frozenset({53105, 53118, 53205, 53216})
"""Codes with which the service, not the network, ended the connection."""


class LifecycleName(StrEnum):
    """What the connection to the room does."""

    CONNECTING = "connecting"
    EARLY = "early"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LifecycleEvent:
    """One event, as listeners of "event" get it.

    Attributes:
        elapsed_time: Milliseconds since `connect` was called.
        level: "info" or "error".
        payload: Of "closed": the `reason`, one of local, remote, busy, timeout, failed.
        timestamp: Milliseconds of Unix time.
    """

    elapsed_time: float
    level: str
    name: LifecycleName
    timestamp: float
    group: str = "signaling"
    payload: Mapping[str, str] = field(default_factory=dict)

    @property
    def elapsedTime(self) -> float:
        """As `elapsed_time`."""
        return self.elapsed_time


@runtime_checkable
class LifecycleListener(Protocol):
    """Any emitter with an event "event"."""

    def emit(self, event: str, *arguments: object) -> object:
        """Tell its listeners."""


@final
class EventListener(EventEmitter):
    """An emitter for the option: `EventListener().on("event", print)`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset({_EVENT})


class Lifecycle:
    """Tells a listener of one connection; without a listener, nobody.

    Args:
        listener: Of the options.
        clock: Gives seconds of any steady clock.
    """

    def __init__(self, listener: LifecycleListener | None, clock: Callable[[], float]) -> None:
        self._listener = listener
        self._clock = clock
        self._began = clock()
        self._is_closed = False

    def tell(self, name: LifecycleName, *, level: str = "info", **payload: str) -> None:
        """Tell one event; what the listener raises is logged."""
        if self._listener is None:
            return
        event = LifecycleEvent(
            elapsed_time=(self._clock() - self._began) * 1000,
            level=level,
            name=name,
            timestamp=datetime.now(UTC).timestamp() * 1000,
            payload=payload,
        )
        try:
            self._listener.emit(_EVENT, event)
        except Exception:
            _log.exception("The eventListener failed.")

    def closed(self, error: BaseException | None, *, is_local: bool = True) -> None:
        """Tell that the connection is over, once, and why.

        Args:
            error: None when it was ended on purpose.
            is_local: By this side, not by the service.
        """
        if not self._is_closed:
            self._is_closed = True
            level = "info" if error is None else "error"
            on_purpose = "local" if is_local else "remote"
            self.tell(
                LifecycleName.CLOSED,
                level=level,
                reason=on_purpose if error is None else _reason(error),
            )


def check_listener(value: object) -> LifecycleListener | None:
    """Read the option.

    Raises:
        TypeError: It cannot emit.
    """
    if value is not None and not isinstance(value, LifecycleListener):
        raise TypeError("options.eventListener must be an EventEmitter")
    return value


def _reason(error: BaseException) -> str:
    code = error.code if isinstance(error, TwilioError) else None
    if code == _BUSY:
        return "busy"
    if code in _TIMEOUTS:
        return "timeout"
    return "remote" if code in _ENDED else "failed"
