"""What it costs the service to record a room of four, beside forwarding it."""

from __future__ import annotations

import asyncio

from benchmarks.processes import Child, cpu_seconds, python_child, two_cores
from benchmarks.report import Cell, Result, Spread

__all__ = ["measure_recording"]

SETTLE = 1.0
"""Seconds after recordings began or ended that are not counted: files are opened and completed."""


async def measure_recording(
    *, publishers: int = 4, seconds: float = 10.0, repetitions: int = 3
) -> Result:
    """Forward a room with and without recording it, in turns.

    Args:
        publishers: Each with a video of 640x360 at 30 frames/s; all but one forwarded to a viewer,
            as many streams as each of so many participants receives.
        seconds: Per measurement.
        repetitions: Of both.
    """
    service_core, other_core = two_cores()
    plain: list[float] = []
    recorded: list[float] = []
    sizes: list[float] = []
    async with (
        python_child("benchmarks.service", core=service_core) as (service, ready),
        python_child(
            "benchmarks.publishers",
            ready["url"],
            "recorded",
            *ready["access_tokens"][1 : publishers + 1],
            core=other_core,
        ),
        python_child(
            "benchmarks.viewer",
            ready["url"],
            "recorded",
            ready["access_tokens"][0],
            str(publishers),
            core=other_core,
        ),
    ):
        for _ in range(repetitions):
            plain.append(await _cpu(service, seconds))
            await service.ask("record")
            recorded.append(await _cpu(service, seconds))
            holds = await service.ask("stop")
            sizes.append(holds["recorded"] / 2**20)
    added = [with_it - without for without, with_it in zip(plain, recorded, strict=True)]
    rows: tuple[tuple[Cell, ...], ...] = (
        ("forwarded", Spread.of(plain), "-"),
        ("forwarded and recorded", Spread.of(recorded), Spread.of(sizes)),
        ("recording, per stream", Spread.of((item / publishers for item in added), 2), "-"),
    )
    return Result(
        "recording",
        f"{publishers} videos, 640x360, 30 frames/s, VP8, one viewer",
        ("service", "CPU % of one core", "MiB written in all"),
        rows,
        (
            f"median (least-most) of {repetitions} times {seconds:g} s each, in turns, in one "
            "service",
            "files are written on a thread of the service, without transcoding",
        ),
    )


async def _cpu(service: Child, seconds: float) -> float:
    """Percent of one core that the service takes."""
    await asyncio.sleep(SETTLE)
    before = cpu_seconds(service.pid)
    await asyncio.sleep(seconds)
    return 100 * (cpu_seconds(service.pid) - before) / seconds
