"""What forwarding costs the server, and how long a packet takes through it.

Four publishers send pictures of three packets to sixteen subscribers, at three rates; the service
forwards each packet sixteen times. The service is the whole one, reached through its native
signaling. Beside it, in the same run, Janus' VideoRoom does the same work, where it is installed.
Our clients' header extensions are on every packet, where the server agrees to them.
"""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acs_core import wire
from acs_core.media.negotiation import PublishedStream
from benchmarks.generator import Generator, Load, Measurement, StreamOut
from benchmarks.janus import JanusRoom, janus_process, janus_version
from benchmarks.leg import Leg
from benchmarks.participant import Participant
from benchmarks.processes import cpu_seconds, pin, python_child, two_cores
from benchmarks.report import Cell, Result, Spread, percentile

__all__ = ["Plan", "measure_forwarding"]

WARM_UPS = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to do.

    Attributes:
        publishers: Each with one stream.
        subscribers: Each receives all streams.
        rates: Bursts per second of each publisher.
        seconds: Per rate and repetition.
        repetitions: Of everything, each with new processes, in an order that is shuffled.
    """

    publishers: int = 4
    subscribers: int = 16
    rates: tuple[float, ...] = (30.0, 120.0, 340.0)
    seconds: float = 3.0
    repetitions: int = 3


@dataclass(frozen=True, slots=True)
class _Sample:
    """One rate, once: of `offered` packets the server forwarded those in `measured`."""

    measured: Measurement
    server_cpu: float
    offered: int

    @property
    def cost(self) -> float:
        """CPU microseconds of the server per packet that arrived."""
        return 1e6 * self.server_cpu / max(1, self.measured.received)

    @property
    def loss(self) -> float:
        """Percent of the packets that did not arrive."""
        return 100 * (1 - self.measured.received / max(1, self.offered))


_Connected = tuple[int, str]
"""Process id of the server, and the SRTP profile in use."""
_Server = Callable[[Plan, Generator], AbstractAsyncContextManager[_Connected]]


async def measure_forwarding(plan: Plan, *, seed: int = 1) -> Result:
    """Load every server that is there and compare."""
    servers: dict[str, _Server] = {
        "ours, batch plane (P1)": partial(_our_service, "batch"),
        "ours, portable plane (P0)": partial(_our_service, "portable"),
    }
    version = janus_version()
    if version is not None:
        servers[f"Janus {version} VideoRoom, default"] = partial(_janus, "")
        servers[f"Janus {version} VideoRoom, event_loops=1"] = partial(_janus, "event_loops = 1")
    samples: dict[tuple[str, float], list[_Sample]] = {}
    profiles: dict[str, str] = {}
    order = random.Random(seed)
    for _ in range(plan.repetitions):
        for name in order.sample(list(servers), len(servers)):
            profiles[name] = await _load(servers[name], name, plan, samples)
    return _result(plan, list(servers), samples, profiles, version)


async def _load(
    server: _Server, name: str, plan: Plan, samples: dict[tuple[str, float], list[_Sample]]
) -> str:
    """Load one server at every rate; return the SRTP profile."""
    own_cores = os.sched_getaffinity(0)
    pin(0, two_cores()[1])
    try:
        with tempfile.TemporaryDirectory(prefix="forwarding-") as folder:
            generator = Generator(Path(folder))
            try:
                async with server(plan, generator) as (pid, profile):
                    await _warm_up(generator, plan)
                    for rate in plan.rates:
                        sample = await _sample(generator, plan, rate, pid)
                        samples.setdefault((name, rate), []).append(sample)
                        if sample.loss:
                            # What still waits in the server must not count for the next rate.
                            await generator.run(Load(0.5, 30.0))
                    return profile
            finally:
                generator.close()
    finally:
        os.sched_setaffinity(0, own_cores)


async def _warm_up(generator: Generator, plan: Plan) -> None:
    """Begin every stream with a keyframe, until every single packet arrives as it was sent."""
    for _ in range(WARM_UPS):
        check = await generator.run(Load(0.5, 30.0, is_keyframe=True, sample_every=1))
        if check.bad:
            raise RuntimeError(f"{check.bad} packets did not arrive as they were sent")
        if check.sampled == check.sent * plan.subscribers:
            return
    raise RuntimeError(f"of {check.sent * plan.subscribers} packets only {check.sampled} arrived")


async def _sample(generator: Generator, plan: Plan, rate: float, pid: int) -> _Sample:
    before = cpu_seconds(pid)
    measured = await generator.run(Load(plan.seconds, rate))
    used = cpu_seconds(pid) - before
    if measured.bad:
        raise RuntimeError(f"{measured.bad} packets did not arrive as they were sent")
    return _Sample(measured, used, measured.sent * plan.subscribers)


# ---------------------------------------------------------------- servers


@contextlib.asynccontextmanager
async def _our_service(plane: str, plan: Plan, generator: Generator) -> AsyncIterator[_Connected]:
    core = two_cores()[0]
    async with python_child("benchmarks.service", "--plane", plane, core=core) as (child, ready):
        if ready["plane"] != plane:
            raise RuntimeError(f"the {plane} plane does not work here")
        tokens = iter(ready["tokens"])
        locator = wire.GroupLocator(group_id=str(uuid.uuid4()))
        everybody: list[Participant] = []
        try:
            for _ in range(plan.publishers):
                publisher = Participant(ready["url"], next(tokens))
                everybody.append(publisher)
                await publisher.join(locator, ["video"], receives=False)
                _publish(generator, publisher.publish_leg, publisher.published[0])
            for _ in range(plan.subscribers):
                subscriber = Participant(ready["url"], next(tokens))
                everybody.append(subscriber)
                await subscriber.join(locator)
                await subscriber.receiving(plan.publishers)
                assert subscriber.subscribe_leg is not None
                generator.add(subscriber.subscribe_leg, None)
            yield child.pid, _profile(everybody[-1].subscribe_leg)
        finally:
            for participant in everybody:
                await participant.leave()


@contextlib.asynccontextmanager
async def _janus(options: str, plan: Plan, generator: Generator) -> AsyncIterator[_Connected]:
    core = two_cores()[0]
    with tempfile.TemporaryDirectory(prefix="janus-") as folder:
        async with janus_process(Path(folder), options=options, core=core) as (pid, url):
            room = JanusRoom(url)
            legs: list[Leg] = []
            try:
                await room.open()
                feeds = range(1, plan.publishers + 1)
                for feed in feeds:
                    leg, stream = await room.publish(feed)
                    legs.append(leg)
                    _publish(generator, leg, stream)
                # Subscribers are offered what has been seen to flow.
                await generator.run(Load(0.3, 30.0, is_keyframe=True))
                for _ in range(plan.subscribers):
                    leg, _sections = await room.subscribe(feeds)
                    legs.append(leg)
                    generator.add(leg, None)
                yield pid, _profile(legs[-1])
            finally:
                for leg in legs:
                    await leg.close()
                await room.close()


def _publish(generator: Generator, leg: Leg | None, stream: PublishedStream) -> None:
    assert leg is not None
    generator.add(
        leg, StreamOut(stream.ssrc, stream.codec.payload_type, stream.mid, stream.extensions)
    )


def _profile(leg: Leg | None) -> str:
    assert leg is not None
    assert leg.keys is not None
    return str(leg.keys.profile)


# ---------------------------------------------------------------- figures


def _result(
    plan: Plan,
    names: list[str],
    samples: dict[tuple[str, float], list[_Sample]],
    profiles: dict[str, str],
    version: str | None,
) -> Result:
    rows = [_row(name, plan.seconds, samples[name, rate]) for rate in plan.rates for name in names]
    notes = [
        "server and generator each on a core of its own"
        if two_cores()[0] is not None
        else "there is one core only: server and generator share it",
        "CPU is the server process' whole user and system time, the kernel's part of delivering "
        "to a receiver on the same machine included; RTCP of the receivers is not generated",
        f"median (least-most) of {plan.repetitions} repetitions with new processes",
        "SRTP: " + "; ".join(f"{name}: {profile}" for name, profile in profiles.items()),
        "generator: "
        + ", ".join(
            f"{100 * max(s.measured.cpu_share for n in names for s in samples[n, rate]):.0f} %"
            for rate in plan.rates
        )
        + " of its core at most, by rate",
    ]
    if version is None:
        notes.append("Janus is not installed (Debian: apt-get install janus): no comparison")
    return Result(
        "forwarding",
        f"{plan.publishers} publishers x {plan.subscribers} subscribers, bursts of 3 x 1,100 bytes",
        (
            "server",
            "offered packets/s",
            "CPU us per forwarded packet",
            "latency p50 us",
            "latency p99 us",
            "lost %",
        ),
        tuple(rows),
        tuple(notes),
    )


def _row(name: str, seconds: float, samples: list[_Sample]) -> tuple[Cell, ...]:
    latencies = [sample.measured.latencies for sample in samples]
    return (
        name,
        round(samples[0].offered / seconds),
        Spread.of(sample.cost for sample in samples),
        Spread.of((percentile(values, 0.5) for values in latencies), 0),
        Spread.of((percentile(values, 0.99) for values in latencies), 0),
        Spread.of((sample.loss for sample in samples), 2),
    )
