"""What a process holds on to: memory, descriptors, tasks, threads; for tests that run long."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import threading
from dataclasses import dataclass

import psutil

__all__ = ["Vitals", "growth_per_hour", "take"]


@dataclass(frozen=True)
class Vitals:
    """One look at this process.

    Attributes:
        at: Time of the event loop in seconds.
        memory: Bytes in use.
        files: Open descriptors.
        tasks: Of this event loop.
        threads: Of Python.
    """

    at: float
    memory: int
    files: int
    tasks: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.memory / (1 << 20):.1f} MiB, {self.files} files, {self.tasks} tasks, "
            f"{self.threads} threads"
        )


def take() -> Vitals:
    """Collect garbage, give free memory back to the system, and look."""
    gc.collect()
    # Else free memory that glibc keeps would count (malloc_trim(3)).
    ctypes.CDLL(None).malloc_trim(0)
    process = psutil.Process()
    return Vitals(
        at=asyncio.get_running_loop().time(),
        memory=process.memory_info().rss,
        files=process.num_fds(),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
    )


def growth_per_hour(looks: list[Vitals]) -> float:
    """Bytes per hour that memory grows by, least squares over some looks."""
    count = len(looks)
    mean_at = sum(one.at for one in looks) / count
    mean = sum(one.memory for one in looks) / count
    spread = sum((one.at - mean_at) ** 2 for one in looks)
    slope = sum((one.at - mean_at) * (one.memory - mean) for one in looks) / spread
    return slope * 3600
