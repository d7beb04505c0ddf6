"""Composition hooks: kept, each under a name of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import delete, select

from acs_core.errors import ServiceError, Stage
from acs_core.service.compositions.model import CompositionHook, CompositionOrder, HookQuery
from acs_core.service.store.calls import Window
from acs_core.service.store.compositions import COMPOSITION_HOOKS
from acs_core.service.store.database import Database

__all__ = ["CompositionHooks"]


class CompositionHooks:
    """The hooks; who makes compositions by them is `Compositions`.

    Args:
        database: Where the rows are; asked for at each use.
        clock: Unix seconds.
        new_id: Makes ids.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        # Between the question whether a name is taken and its being so.
        self._naming = asyncio.Lock()

    async def create(
        self, name: str, order: CompositionOrder, *, is_enabled: bool = True
    ) -> CompositionHook:
        """Make a composition of each recorded room that ends from now on.

        Raises:
            ServiceError: 409, there is a hook of this name; 503, it cannot be stored.
        """
        hook = CompositionHook(
            id=self._new_id(),
            name=name,
            order=order,
            created_at=self._clock(),
            is_enabled=is_enabled,
        )
        await self._keep(hook)
        return hook

    async def update(
        self, hook_id: str, name: str, order: CompositionOrder, *, is_enabled: bool
    ) -> CompositionHook:
        """Put something else in the place of a hook.

        Raises:
            ServiceError: 404, there is none; 409, another has this name; 503, it cannot be stored.
        """
        hook = await self._found(hook_id)
        changed = hook.changed(name=name, order=order, is_enabled=is_enabled, now=self._clock())
        await self._keep(changed)
        return changed

    async def find(self, hook_id: str) -> CompositionHook | None:
        """A hook by id, or None.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        query = select(COMPOSITION_HOOKS).where(COMPOSITION_HOOKS.c.id == hook_id)
        row = await self._database().first(query)
        return None if row is None else CompositionHook.from_row(row)

    async def list(self, query: HookQuery, window: Window) -> Sequence[CompositionHook]:
        """Hooks, newest first.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        rows = await self._database().all(query.select(window))
        return [CompositionHook.from_row(row) for row in rows]

    async def delete(self, hook_id: str) -> None:
        """Delete a hook; its compositions stay.

        Raises:
            ServiceError: 404, there is none; 503, the database cannot be used.
        """
        hook = await self._found(hook_id)
        self._database().write(delete(COMPOSITION_HOOKS).where(COMPOSITION_HOOKS.c.id == hook.id))
        await self._database().flush()

    async def _found(self, hook_id: str) -> CompositionHook:
        hook = await self.find(hook_id)
        if hook is None:
            raise ServiceError(
                f"There is no composition hook {hook_id}.", code=404, stage=Stage.ARGUMENT
            )
        return hook

    async def _keep(self, hook: CompositionHook) -> None:
        async with self._naming:
            query = select(COMPOSITION_HOOKS).where(COMPOSITION_HOOKS.c.name == hook.name)
            row = await self._database().first(query)
            if row is not None and row.id != hook.id:
                raise ServiceError(
                    f"There is a composition hook named {hook.name!r}.",
                    code=409,
                    stage=Stage.ARGUMENT,
                )
            self._database().put(COMPOSITION_HOOKS, hook.as_row())
        await self._database().flush()
