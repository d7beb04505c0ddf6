"""What a client with many remote videos uses, while nobody reads them and while all are read."""

from __future__ import annotations

from benchmarks.processes import Child, python_child, two_cores
from benchmarks.report import Cell, Result, Spread

__all__ = ["measure_client"]

SETTLE = 2.0
"""Seconds after the subscription, and after the start of the decoders, that are not counted."""


async def measure_client(
    *, videos: int = 16, seconds: float = 10.0, repetitions: int = 3
) -> Result:
    """Watch `videos` of 640x360 at 30 frames/s."""
    service_core, client_core = two_cores()
    async with (
        python_child("benchmarks.service", core=service_core) as (_, ready),
        python_child(
            "benchmarks.publishers",
            ready["url"],
            "watched",
            *ready["access_tokens"][1 : videos + 1],
            core=service_core,
        ),
        python_child(
            "benchmarks.viewer",
            ready["url"],
            "watched",
            ready["access_tokens"][0],
            str(videos),
            core=client_core,
        ) as (viewer, _),
    ):
        unread = await _measure(viewer, seconds, repetitions)
        await viewer.ask("read")
        read = await _measure(viewer, seconds, repetitions)
    return Result(
        "client",
        f"{videos} remote videos, 640x360, 30 frames/s, VP8, one participant each",
        ("videos", "CPU % of one core", "frames/s in all", "RSS MiB", "growth MiB/s"),
        (("unread", *unread), ("read", *read)),
        (
            f"median (least-most) of {repetitions} times {seconds:g} s, one after the other, "
            "in one client",
            "the videos are encoded beforehand: service and publishers have the other core",
        ),
    )


async def _measure(viewer: Child, seconds: float, repetitions: int) -> tuple[Cell, ...]:
    await viewer.ask(f"measure {SETTLE}")
    found = [await viewer.ask(f"measure {seconds}") for _ in range(repetitions)]
    return (
        Spread.of(item["cpu_percent"] for item in found),
        Spread.of((item["frames_per_second"] for item in found), 0),
        Spread.of(item["rss"] / 2**20 for item in found),
        Spread.of((item["grown"] / 2**20 / seconds for item in found), 2),
    )
