"""The event emitter under every Twilio object: Node's interface with this library's manners.

Kept from Node: `on` returns the object, so calls can be chained; listeners run in the order they
were added; a listener that takes fewer arguments than the event has does not get the rest, as in
JavaScript, so `room.on("trackSubscribed", lambda track: ...)` works. Different: an unknown event
name is refused, a listener's failure is logged instead of raised at the emitter, and a listener may
be a coroutine function, whose tasks end with the room.

Source: Node.js `events` documentation.
"""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from acs_core.client.emitter import TaskOwner
from acs_core.errors import InvalidArgumentError

__all__ = ["EventEmitter", "Listener", "positional_limit"]

_log = logging.getLogger(__name__)

Listener: TypeAlias = Callable[..., object]


@dataclass(frozen=True, slots=True)
class _Registration:
    listener: Listener
    limit: int | None
    once: bool


def positional_limit(listener: Listener) -> int | None:
    """How many positional arguments a callable takes; None for any number or when unknown.

    Parameters with defaults do not count when there is one without.
    """
    try:
        parameters = inspect.signature(listener).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    taken = [parameter for parameter in parameters if parameter.kind in places]
    # `lambda track, label="x": ...` keeps its own value, unless it takes nothing else.
    required = [parameter for parameter in taken if parameter.default is parameter.empty]
    return len(required or taken)


class EventEmitter:
    """Registers listeners and calls them.

    `EVENTS` names the events that a class adds to those of its bases.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, tasks: TaskOwner | None = None) -> None:
        self._registrations: dict[str, tuple[_Registration, ...]] = {}
        self._tasks = tasks or TaskOwner()

    @classmethod
    def known_events(cls) -> frozenset[str]:
        """Every event that this class can emit."""
        return frozenset().union(*(vars(base).get("EVENTS", ()) for base in cls.__mro__))

    def on(self, event: str, listener: Listener) -> Self:
        """Call `listener` at every `event`, after those registered before it.

        Raises:
            InvalidArgumentError: This object has no such event (422).
        """
        return self._add(event, listener)

    def once(self, event: str, listener: Listener) -> Self:
        """Call `listener` at the next `event` only; raises as `on`."""
        return self._add(event, listener, once=True)

    def prepend_listener(self, event: str, listener: Listener) -> Self:
        """Call `listener` at every `event`, before those registered already; raises as `on`."""
        return self._add(event, listener, first=True)

    def prepend_once_listener(self, event: str, listener: Listener) -> Self:
        """Call `listener` first at the next `event` only; raises as `on`."""
        return self._add(event, listener, once=True, first=True)

    def remove_listener(self, event: str, listener: Listener) -> Self:
        """Forget the latest registration of `listener`; one that is not registered is no error."""
        self._check(event)
        kept = list(self._registrations.get(event, ()))
        for index in reversed(range(len(kept))):
            if kept[index].listener == listener:
                del kept[index]
                break
        self._registrations[event] = tuple(kept)
        return self

    def remove_all_listeners(self, event: str | None = None) -> Self:
        """Forget the listeners of one event, or of all."""
        if event is None:
            self._registrations.clear()
        else:
            self._check(event)
            self._registrations.pop(event, None)
        return self

    def listeners(self, event: str) -> list[Listener]:
        """The listeners of an event in the order they are called."""
        self._check(event)
        return [registration.listener for registration in self._registrations.get(event, ())]

    def listener_count(self, event: str) -> int:
        """How many listeners an event has."""
        return len(self.listeners(event))

    def event_names(self) -> list[str]:
        """The events that have listeners."""
        return [event for event, registered in self._registrations.items() if registered]

    def emit(self, event: str, *arguments: object) -> bool:
        """Call the listeners of an event; True when there was one.

        Listeners that are added or removed meanwhile take part from the next time on.
        """
        self._check(event)
        registered = self._registrations.get(event, ())
        for registration in registered:
            if registration.once and not self._drop(event, registration):
                continue  # A listener before it emitted this event, too, and that was its once.
            self._call(event, registration, arguments)
        return bool(registered)

    def _add(
        self, event: str, listener: Listener, *, once: bool = False, first: bool = False
    ) -> Self:
        self._check(event)
        if not callable(listener):
            raise TypeError("listener must be a function")
        new = (_Registration(listener, positional_limit(listener), once),)
        registered = self._registrations.get(event, ())
        self._registrations[str(event)] = new + registered if first else registered + new
        return self

    def _drop(self, event: str, registration: _Registration) -> bool:
        """Forget a registration; False when it was forgotten before."""
        registered = self._registrations.get(event, ())
        kept = tuple(one for one in registered if one is not registration)
        self._registrations[event] = kept
        return len(kept) < len(registered)

    def _check(self, event: str) -> None:
        known = self.known_events()
        if event in known:
            return
        near = difflib.get_close_matches(str(event), known, n=1, cutoff=0.5)
        advice = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(sorted(known))}."
        raise InvalidArgumentError(
            f"{type(self).__name__} has no event {event!r}.", code=422, next_step=advice
        )

    def _call(self, event: str, registration: _Registration, arguments: tuple[object, ...]) -> None:
        try:
            result = registration.listener(*arguments[: registration.limit])
        except Exception:
            _log.exception("A listener of %s %r failed.", type(self).__name__, event)
            return
        if inspect.isawaitable(result):
            name = f"listener of {type(self).__name__} {event!r}"
            self._tasks.spawn(_finish(result), name)

    # Node's spellings; tests/twilio_compat/test_names.py checks them.
    off = remove_listener
    addListener = on
    add_listener = on
    removeListener = remove_listener
    removeAllListeners = remove_all_listeners
    prependListener = prepend_listener
    prependOnceListener = prepend_once_listener
    listenerCount = listener_count
    eventNames = event_names


async def _finish(result: Awaitable[Any]) -> None:
    await result
