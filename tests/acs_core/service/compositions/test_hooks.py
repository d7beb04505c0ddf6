from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from acs_core.compositing.job import AudioPart, FileFormat
from acs_core.errors import ServiceError
from acs_core.service.compositions.hooks import CompositionHooks
from acs_core.service.compositions.model import CompositionOrder, HookQuery
from acs_core.service.store.calls import Window
from acs_core.service.store.database import Database

SOUND = CompositionOrder(format=FileFormat.WAV, audio=AudioPart())
STEREO = CompositionOrder(format=FileFormat.MP4, audio=AudioPart())
ALL = Window(limit=100)


async def test_hooks_are_made_changed_found_and_deleted() -> None:
    seconds = iter(range(1, 100))
    database = await Database.open()
    hooks = CompositionHooks(lambda: database, lambda: float(next(seconds)), lambda: uuid4().hex)
    first = await hooks.create("a_b", SOUND)
    second = await hooks.create("axb*", STEREO, is_enabled=False)
    with pytest.raises(ServiceError) as caught:
        await hooks.create("a_b", SOUND)
    assert caught.value.code == 409
    with pytest.raises(ServiceError):
        await hooks.update(second.id, "a_b", SOUND, is_enabled=True)
    changed = await hooks.update(first.id, "a_b", STEREO, is_enabled=False)
    assert (changed.order, changed.is_enabled) == (STEREO, False)
    assert changed.updated_at is not None
    assert await hooks.find(first.id) == changed

    async def names(**filters: Any) -> list[str]:
        return [hook.name for hook in await hooks.list(HookQuery(**filters), ALL)]

    assert await names() == ["axb*", "a_b"]
    assert await names(name="A_b") == ["a_b"]
    assert await names(name="a*b") == ["a_b"]
    assert await names(name="a*") == ["axb*", "a_b"]
    assert await names(is_enabled=True) == []
    assert await names(before=first.created_at) == ["a_b"]
    assert await names(after=second.created_at) == ["axb*"]
    await hooks.delete(first.id)
    assert await names() == ["axb*"]
    for wrong in (
        hooks.delete(first.id),
        hooks.update("x", "y", SOUND, is_enabled=True),
    ):
        with pytest.raises(ServiceError) as caught:
            await wrong
        assert caught.value.code == 404
    await database.close()
