"""`python -m benchmarks`: measure, and print the figures with machine, versions and spread."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shlex
import sys
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from rich.console import Console

from benchmarks.client import measure_client
from benchmarks.connecting import measure_connect
from benchmarks.effects import measure_effects
from benchmarks.forwarding import Plan, measure_forwarding
from benchmarks.machine import describe_machine
from benchmarks.memory import measure_memory
from benchmarks.pages import measure_pages
from benchmarks.recording import measure_recording
from benchmarks.report import Result, as_json, print_result
from benchmarks.rooms import measure_rooms
from benchmarks.scanning import measure_scanning

__all__ = ["main"]

WIDTH = 130
Benchmark = Callable[[], Coroutine[Any, Any, Result]]

BENCHMARKS: Mapping[str, Benchmark] = {
    "forwarding": partial(measure_forwarding, Plan()),
    "connect": measure_connect,
    "client": measure_client,
    "memory": measure_memory,
    "pages": measure_pages,
    "effects": measure_effects,
    "rooms": measure_rooms,
    "recording": measure_recording,
    "scan": measure_scanning,
}
QUICK: Mapping[str, Benchmark] = {
    "forwarding": partial(
        measure_forwarding,
        Plan(publishers=2, subscribers=2, rates=(30.0,), seconds=0.3, repetitions=1),
    ),
    "connect": partial(measure_connect, times=1),
    "client": partial(measure_client, videos=2, seconds=0.5, repetitions=1),
    "memory": partial(measure_memory, participants=4, call_size=2),
    "pages": partial(measure_pages, times=1, pages=2, seconds=1.0, repetitions=1),
    "effects": partial(measure_effects, pictures=3, repetitions=1),
    "rooms": partial(measure_rooms, rooms=200, requests=20, repetitions=1),
    "recording": partial(measure_recording, publishers=2, seconds=1.0, repetitions=1),
    "scan": partial(measure_scanning, files=100, repetitions=1),
}


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 0 when everything gave figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", choices=("all", *BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
    parser.add_argument("--quick", action="store_true", help="seconds only; proves that it works")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("aioice").setLevel(logging.ERROR)
    table = QUICK if chosen.quick else BENCHMARKS
    names = list(BENCHMARKS) if chosen.name == "all" else [chosen.name]
    command = shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])])
    # Wide enough for all columns, also when the output goes to a file.
    console = Console(quiet=chosen.json, width=WIDTH)
    machine = describe_machine()
    console.print(f"$ {command}", highlight=False, markup=False)
    for name, value in machine.items():
        console.print(f"{name + ':':<18}{value}", highlight=False, markup=False)
    results = []
    for name in names:
        results.append(asyncio.run(table[name]()))
        console.print()
        print_result(console, results[-1])
    if chosen.json:
        everything = {
            "command": command,
            "machine": machine,
            "results": [as_json(result) for result in results],
        }
        print(json.dumps(everything, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
