"""What a participant costs the service in memory, sockets and tasks."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import Any

from acs_core import wire
from benchmarks.participant import Participant
from benchmarks.processes import Child, python_child, two_cores
from benchmarks.report import Cell, Result, Spread

__all__ = ["measure_memory"]

SETTLE = 1.0
"""Seconds; the service closes connections in the background, within two."""


async def measure_memory(*, participants: int = 50, call_size: int = 5) -> Result:
    """Fill calls, each participant with audio and video to everybody else in its call."""
    async with python_child(
        "benchmarks.service", "--tokens", str(participants + call_size), core=two_cores()[0]
    ) as (service, ready):
        tokens = ready["tokens"]
        # What the first call makes the process load once is not a participant's.
        async with _calls(ready["url"], tokens[participants:], call_size):
            pass
        before = await _settled(service)
        async with _calls(ready["url"], tokens[:participants], call_size):
            during = await _settled(service)
        after = await _settled(service)
    return Result(
        "memory",
        f"{participants} participants in calls of {call_size}, each publishing audio and video "
        f"and receiving {2 * (call_size - 1)} streams",
        ("service", "RSS MiB", "tasks", "descriptors"),
        (
            _row("empty", before),
            _row(f"{participants} participants", during),
            (
                "per participant",
                Spread.of([(during["rss"] - before["rss"]) / participants / 2**20], 3),
                Spread.of([(during["tasks"] - before["tasks"]) / participants]),
                Spread.of([(during["descriptors"] - before["descriptors"]) / participants]),
            ),
            _row("after all have left", after),
        ),
        (
            "two media connections and one WebSocket per participant; no media flows, so caches "
            "for lost packets are empty",
        ),
    )


async def _settled(service: Child) -> dict[str, Any]:
    """What the service holds, once that does not change any more."""
    holds = await service.ask("holds")
    while True:
        await asyncio.sleep(SETTLE)
        before, holds = holds, await service.ask("holds")
        if holds["tasks"] == before["tasks"]:
            return holds


def _row(name: str, holds: dict[str, Any]) -> tuple[Cell, ...]:
    return name, Spread.of([holds["rss"] / 2**20]), holds["tasks"], holds["descriptors"]


@contextlib.asynccontextmanager
async def _calls(url: str, tokens: list[str], size: int) -> Any:
    everybody: list[Participant] = []
    try:
        for start in range(0, len(tokens), size):
            locator = wire.GroupLocator(group_id=str(uuid.uuid4()))
            call = [Participant(url, token) for token in tokens[start : start + size]]
            everybody += call
            for participant in call:
                await participant.join(locator, ["audio", "video"])
            for participant in call:
                await participant.receiving(2 * (len(call) - 1))
        yield
    finally:
        for participant in everybody:
            await participant.leave()
