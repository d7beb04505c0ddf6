"""The event emitter under every Twilio object: Node's interface with this library's manners.

Kept from Node: `on` returns the object, so calls can be chained; listeners run in the order they
were added; a listener that takes fewer arguments than the event has does not get the rest, as in
JavaScript, so `room.on("trackSubscribed", lambda track: ...)` works. Different: an unknown event
name is refused, a listener's failure is logged instead of raised at the emitter, and a listener may
be a coroutine function, whose tasks end with the room. Events may be named in Python's spelling,
too: `room.on("participant_connected", ...)`.

Source: Node.js `events` documentation.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self, TypeAlias, final

from acs_core.client.emitter import TaskOwner
from acs_core.errors import InvalidArgumentError

__all__ = ["EventEmitter", "Listener", "OnceListener", "positional_limit"]

_log = logging.getLogger(__name__)

Listener: TypeAlias = Callable[..., object]

DEFAULT_MAX_LISTENERS: Final = 10
"""Source: Node.js, `EventEmitter.defaultMaxListeners`."""

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class _Registration:
    listener: Listener
    limit: int | None
    once: bool


@final
class OnceListener:
    """What `raw_listeners` has of a listener for one time: calling it uses that up.

    Attributes:
        listener: The one that was given to `once`.
    """

    def __init__(self, listener: Listener, take: Callable[[], bool]) -> None:
        self.listener = listener
        self._take = take

    def __call__(self, *arguments: object) -> object:
        """Call the listener, unless it was called or taken back before."""
        return self.listener(*arguments) if self._take() else None


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

    Attributes:
        EVENTS: The events that a class adds to those of its bases, in Twilio's spelling.
        __events__: Every event of a class by its spelling in snake_case; made from `EVENTS`.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset()
    __events__: ClassVar[Mapping[str, str]] = MappingProxyType({})
    _known_events: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        known = [str(name) for base in cls.__mro__ for name in vars(base).get("EVENTS", ())]
        cls._known_events = frozenset(known)
        cls.__events__ = MappingProxyType(
            {_WORD_START.sub("_", name).lower(): name for name in sorted(known)}
        )

    def __init__(self, tasks: TaskOwner | None = None) -> None:
        self._registrations: dict[str, tuple[_Registration, ...]] = {}
        self._tasks = tasks or TaskOwner()
        self._max_listeners: float = DEFAULT_MAX_LISTENERS
        self._leaks_told: set[str] = set()

    @classmethod
    def known_events(cls) -> frozenset[str]:
        """Every event that this class can emit."""
        return cls._known_events

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
        name = self._event_of(event)
        # One of `raw_listeners` stands for the listener that it calls.
        wanted = listener.listener if isinstance(listener, OnceListener) else listener
        kept = list(self._registrations.get(name, ()))
        for index in reversed(range(len(kept))):
            if kept[index].listener == wanted:
                del kept[index]
                break
        self._registrations[name] = tuple(kept)
        return self

    def remove_all_listeners(self, event: str | None = None) -> Self:
        """Forget the listeners of one event, or of all."""
        if event is None:
            self._registrations.clear()
        else:
            self._registrations.pop(self._event_of(event), None)
        return self

    def listeners(self, event: str) -> list[Listener]:
        """The listeners of an event in the order they are called."""
        registered = self._registrations.get(self._event_of(event), ())
        return [registration.listener for registration in registered]

    def raw_listeners(self, event: str) -> list[Listener]:
        """As `listeners`, with an `OnceListener` for each that is to be called once."""
        name = self._event_of(event)
        return [
            OnceListener(one.listener, self._taker(name, one)) if one.once else one.listener
            for one in self._registrations.get(name, ())
        ]

    def set_max_listeners(self, count: float) -> Self:
        """Log a warning when one event has more listeners than this; 0 or infinity never does.

        So many are a sign that some are added again and again, and taken back never.

        Raises:
            ValueError: Less than zero, or no number.
        """
        if isinstance(count, bool) or not isinstance(count, int | float) or not count >= 0:
            raise ValueError("n must be a non-negative number")
        self._max_listeners = count
        return self

    def get_max_listeners(self) -> float:
        """The number that `set_max_listeners` changes; 10 at first."""
        return self._max_listeners

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
        name = self._event_of(event)
        registered = self._registrations.get(name, ())
        for registration in registered:
            if registration.once and not self._drop(name, registration):
                continue  # A listener before it emitted this event, too, and that was its once.
            self._call(name, registration, arguments)
        return bool(registered)

    def _add(
        self, event: str, listener: Listener, *, once: bool = False, first: bool = False
    ) -> Self:
        name = self._event_of(event)
        if not callable(listener):
            raise TypeError("listener must be a function")
        new = (_Registration(listener, positional_limit(listener), once),)
        registered = self._registrations.get(name, ())
        self._registrations[name] = new + registered if first else registered + new
        self._warn_of_leak(name)
        return self

    def _warn_of_leak(self, name: str) -> None:
        """Say once per event that it has many listeners, as Node does."""
        count = len(self._registrations[name])
        if not 0 < self._max_listeners < count or name in self._leaks_told:
            return
        self._leaks_told.add(name)
        _log.warning(
            "Possible memory leak: %s has %d listeners of %r. Take back those that are not needed, "
            "or raise the limit with set_max_listeners().",
            type(self).__name__,
            count,
            name,
        )

    def _taker(self, name: str, registration: _Registration) -> Callable[[], bool]:
        return lambda: self._drop(name, registration)

    def _drop(self, event: str, registration: _Registration) -> bool:
        """Forget a registration; False when it was forgotten before."""
        registered = self._registrations.get(event, ())
        kept = tuple(one for one in registered if one is not registration)
        self._registrations[event] = kept
        return len(kept) < len(registered)

    def _event_of(self, event: str) -> str:
        """Twilio's spelling of an event, which may be given in either."""
        known = self.known_events()
        if isinstance(event, str):
            if event in known:
                return str(event)
            if event in self.__events__:
                return self.__events__[event]
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
    rawListeners = raw_listeners
    setMaxListeners = set_max_listeners
    getMaxListeners = get_max_listeners


async def _finish(result: Awaitable[Any]) -> None:
    await result
