"""Listener registry: refuses unknown names, contains failures, owns coroutine listeners.

Every object with events is an `Emitter` that declares its names. Listeners run at once, in the
order of registration; what a listener raises is logged and goes no further. A coroutine listener
runs as a task of the object's `TaskOwner`, which ends it. The names are the vendor's; listeners may
be registered under their spelling in snake_case as well, so that it need not be known by heart
which names of an API in snake_case are not.

Source: the ACS Calling SDK throws 422 for unknown event names and contains listener failures.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import logging
import re
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias, TypeVar

from pyee.base import EventEmitter

from acs_core.errors import InvalidArgumentError

__all__ = ["Emitter", "Listener", "TaskOwner"]

Listener: TypeAlias = Callable[..., object]
_Result = TypeVar("_Result")
_DEFAULT_LOGGER = logging.getLogger("acs_core")
_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class TaskOwner:
    """Holds tasks until they are done and ends the rest; reports what fails in them.

    Attributes:
        logger: Where failures of listeners and tasks are reported.
    """

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self.logger = logger or _DEFAULT_LOGGER
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether any task runs."""
        return bool(self._tasks)

    def spawn(
        self, coroutine: Coroutine[Any, Any, _Result], name: str
    ) -> asyncio.Task[_Result | None]:
        """Run a coroutine as a task of this owner; a failure is logged and gives None."""
        task = asyncio.get_running_loop().create_task(self._contain(coroutine, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step has not begun to await the coroutine.
        task.add_done_callback(lambda _: coroutine.close())
        return task

    def start(self, coroutine: Coroutine[Any, Any, _Result], name: str) -> asyncio.Task[_Result]:
        """Run a coroutine as a task of this owner; whoever awaits it gets its error."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def cancel(self) -> None:
        """Cancel all tasks but the calling one without waiting; `aclose` waits."""
        current = _current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()

    async def aclose(self, grace: float = 0.2) -> None:
        """Give the tasks `grace` seconds to finish, then cancel them and wait for that.

        The calling task is left alone, so a listener may close the object that called it.
        """
        current = asyncio.current_task()
        pending = {task for task in self._tasks if task is not current}
        if pending:
            _, pending = await asyncio.wait(pending, timeout=grace)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.wait(pending, timeout=grace + 1.0)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # Retrieved, so that asyncio does not report it a second time.

    async def _contain(self, coroutine: Coroutine[Any, Any, _Result], name: str) -> _Result | None:
        try:
            return await coroutine
        except Exception:
            self.logger.exception("%s failed", name)
            return None


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # Called from outside the event loop.
        return None


class _Registry(EventEmitter):
    """pyee's registry with listeners that cannot break the emitter."""

    def __init__(self, owner: TaskOwner) -> None:
        super().__init__()
        self._owner = owner

    # pyee documents this method as the place where subclasses say how a listener runs.
    def _emit_run(self, f: Listener, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        name = getattr(f, "__qualname__", repr(f))
        try:
            result = f(*args, **kwargs)
            if inspect.iscoroutine(result):
                self._owner.spawn(result, f"listener {name}")
        except Exception:
            self._owner.logger.exception("Listener %s failed", name)


class Emitter:
    """An object with events.

    Attributes:
        EVENTS: The names that listeners can be registered for, in the vendor's spelling.
        EVENT_SUB_CODE: The vendor's sub code for a refused name; 0 where there is none.
        __events__: The same names by their spelling in snake_case; made from `EVENTS`.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset()
    EVENT_SUB_CODE: ClassVar[int] = 0
    __events__: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.__events__ = MappingProxyType(
            {_WORD_START.sub("_", name).lower(): str(name) for name in sorted(cls.EVENTS)}
        )

    def __init__(self, owner: TaskOwner | None = None) -> None:
        self._owner = owner or TaskOwner()
        self._registry = _Registry(self._owner)

    @property
    def tasks(self) -> TaskOwner:
        """Owner of the tasks that run for this object (ours)."""
        return self._owner

    def on(self, event: str, listener: Listener) -> None:
        """Call `listener` at every `event`; a listener that is there already is not added twice.

        Args:
            event: A member of the object's event enum, its value, or that in snake_case:
                ``"state_changed"`` for ``"stateChanged"``.
            listener: A function or coroutine function; its arguments stand at the event's name.

        Raises:
            InvalidArgumentError: 422: there is no such event.
        """
        self._registry.add_listener(self._known(event), listener)

    def once(self, event: str, listener: Listener) -> None:
        """Call `listener` at the next `event` only.

        Raises:
            InvalidArgumentError: 422: there is no such event.
        """
        self._registry.once(self._known(event), listener)

    def off(self, event: str, listener: Listener) -> None:
        """Take a listener back; one that is not there is ignored, as everywhere in JavaScript.

        Raises:
            InvalidArgumentError: 422: there is no such event.
        """
        name = self._known(event)
        if listener in self._registry.listeners(name):
            self._registry.remove_listener(name, listener)

    def listener_count(self, event: str) -> int:
        """How many listeners an event has."""
        return len(self._registry.listeners(self._known(event)))

    def _emit(self, event: str, *args: object) -> None:
        self._registry.emit(str(event), *args)

    def _known(self, event: str) -> str:
        if isinstance(event, str):
            if event in self.EVENTS:
                return str(event)
            if event in self.__events__:
                return self.__events__[event]
        names = sorted(str(name) for name in self.EVENTS)
        close = difflib.get_close_matches(str(event), names, n=1, cutoff=0.5)
        advice = f"Did you mean {close[0]!r}?" if close else f"Known: {names}."
        raise InvalidArgumentError(
            f"{type(self).__name__} has no event {str(event)!r}.",
            code=422,
            sub_code=self.EVENT_SUB_CODE,
            next_step=advice,
        )
