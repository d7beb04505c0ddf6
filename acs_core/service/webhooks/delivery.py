"""Webhooks of every kind: stored, then delivered at least once, in order, with patience.

Theory of operation. `post` stores a request and returns; it never waits, so that whoever is in the
middle of a change may call it. Requests of one group (a room) are delivered by one task, one after
the other: the next one goes when the one before was taken or given up. A task lives while its group
has something to deliver. What was posted and not delivered when the service ended, in whatever way,
is delivered after the next start, with the same id and the same bytes; a receiver that must not act
twice looks at the id.

An attempt fails unless the answer is 2xx: by a time-out, a connection that breaks, a redirect.
Attempts are repeated after `DeliveryTimes.pauses`, and given up after the last one; what was given
up is kept for a while and can be repeated by an operator. A target that the guard refuses is given
up at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp.abc import AbstractResolver
from yarl import URL

from acs_core.errors import CallingError, ServiceError, Stage, TransportError
from acs_core.service.parts import ServicePart
from acs_core.service.store import webhooks as table
from acs_core.service.store.database import Database
from acs_core.service.webhooks.guard import TargetGuard
from acs_core.service.webhooks.hosts import HostTurns
from acs_core.service.webhooks.requests import (
    Delivery,
    DeliveryState,
    DeliveryTimes,
    WebhookRequest,
)
from acs_core.service.webhooks.sender import Answer, Sender

__all__ = ["DeliveryLimits", "Webhooks"]

_log = logging.getLogger(__name__)

HOST_IS_BROKEN: Final = 500
"""From this status on, an answer counts against the host and not against the request."""
TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """How much at a time.

    Attributes:
        pending: Requests that wait; further ones are stored as given up.
        per_group: Of these, in one group: who never answers must not use up all of them.
        places: Requests under way.
        per_host: Of these, to one host.
        failures: In a row, after which a host is left alone for a while.
        groups: Groups whose sequence is remembered; the oldest begins at 0 again.
    """

    pending: int = 20_000
    per_group: int = 2_000
    places: int = 64
    per_host: int = 8
    failures: int = 5
    groups: int = 50_000


class Webhooks(ServicePart):
    """Delivers webhooks.

    Args:
        database: Where they are stored; asked for when it is open.
        guard: Which targets are refused.
        times: Deadlines and pauses.
        limits: How much at a time.
        resolver: Instead of the system's.
        clock: Unix seconds.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        guard: TargetGuard,
        *,
        times: DeliveryTimes | None = None,
        limits: DeliveryLimits | None = None,
        resolver: AbstractResolver | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.guard = guard
        self.times = times or DeliveryTimes()
        self._database = database
        self._limits = limits or DeliveryLimits()
        self._clock = clock
        self._sender = Sender(guard, timeout=self.times.attempt, resolver=resolver)
        self._turns = HostTurns(
            places=self._limits.places,
            per_host=self._limits.per_host,
            failures=self._limits.failures,
            pause=self.times.breaker,
        )
        self._queues: dict[str, deque[Delivery]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sequences: dict[str, int] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._progress = asyncio.Event()
        self._is_running = False
        self._counts = dict.fromkeys(DeliveryState, 0)

    @property
    def counts(self) -> Mapping[DeliveryState, int]:
        """How many wait now, and how many were delivered or given up since the start."""
        return self._counts.copy()

    # ------------------------------------------------------------ lifecycle

    async def start(self) -> None:
        """Go on with what was left."""
        database = self._database()
        for row in reversed(await database.all(table.sequences(most=self._limits.groups))):
            self._sequences[row.group_id] = row.last + 1
        await self._sender.open()
        for row in await database.all(table.deliveries_of_state(DeliveryState.PENDING)):
            self._enqueue(Delivery.from_row(row._asdict()))
        self._is_running = True
        self._sweeper = asyncio.create_task(self._sweep(), name="webhook sweeper")

    async def close(self) -> None:
        """Try what is new once, then stop; what is not delivered is kept."""
        self._is_running = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.times.grace):
                while any(item.is_fresh for queue in self._queues.values() for item in queue):
                    self._progress.clear()
                    await self._progress.wait()
        tasks = [*self._tasks.values(), *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    # ------------------------------------------------------------ posting

    def check(self, url: str) -> URL:
        """Refuse a URL where it is given, as far as that is known; see `TargetGuard.check`."""
        return self.guard.check(url)

    def sequence(self, group: str) -> int:
        """Which place the next request of a group will have, from 0; goes on after a restart."""
        return self._sequences.get(group, 0)

    def post(self, request: WebhookRequest) -> Delivery:
        """Have a request delivered; it is durable after the next `Database.flush`.

        What is posted before `start` or after `close` is delivered after the next start.
        """
        return self._post(request)

    async def replay(self, delivery_id: str) -> Delivery:
        """Deliver once more what was delivered or given up, as it was; waits for one attempt.

        Raises:
            ServiceError: 404, there is none; 409, it waits anyway.
        """
        original = Delivery.from_row(await self.row(delivery_id))
        if original.state is DeliveryState.PENDING:
            raise ServiceError(
                f"Delivery {delivery_id} waits for its next attempt.",
                code=409,
                stage=Stage.ARGUMENT,
                next_step="Wait until it is delivered or has failed.",
            )
        again = WebhookRequest(
            url=original.request.url,
            event=original.request.event,
            # Alone, since nothing of its group waits for it.
            group=f"{table.REPLAYS}{delivery_id}",
            method=original.request.method,
            headers=original.request.headers,
            body=original.request.body,
            expected=original.request.expected,
        )
        delivery = self._post(again, replay_of=delivery_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.times.attempt + self.times.grace):
                while delivery.is_fresh:
                    self._progress.clear()
                    await self._progress.wait()
        return delivery

    async def rewrite(
        self, group: str, text: str, change: Callable[[WebhookRequest], WebhookRequest]
    ) -> None:
        """Put other requests in the place of those that are remembered, or wait.

        What is under way at this moment arrives as it was.

        Args:
            group: Of this group, and replays of them.
            text: Those that have this in their body or URL.
            change: Gives the other one, which has the same id, event and group.

        Raises:
            ServiceError: 503, the database cannot be used.
        """
        rows = await self._database().all(table.deliveries_about(text, group=group))
        found = [Delivery.from_row(row._asdict()) for row in rows]
        waiting = {item.request.id: item for queue in self._queues.values() for item in queue}
        # What was posted since is not among the rows.
        found += [item for item in waiting.values() if item.request.group == group]
        for request in {item.request.id: item.request for item in found}.values():
            changed = change(request) if text in request.body or text in request.url else request
            if changed == request:
                continue
            values = {"url": changed.url, "headers": dict(changed.headers), "body": changed.body}
            self._database().write(table.progress_of(request.id).values(values))
            if request.id in waiting:
                waiting[request.id].request = changed

    # ------------------------------------------------------------ looking

    async def rows(
        self, *, state: str = "", group: str = "", before: float | None = None, most: int = 50
    ) -> Sequence[Mapping[str, Any]]:
        """What is remembered, newest first, by column of `DELIVERIES`; see there for the filters.

        Raises:
            ServiceError: 503, the database cannot be read.
        """
        query = table.newest_deliveries(state=state, group=group, before=before, most=most)
        return [row._asdict() for row in await self._database().all(query)]

    async def row(self, delivery_id: str) -> Mapping[str, Any]:
        """One of them.

        Raises:
            ServiceError: 404, it never was or is forgotten; 503 as in `rows`.
        """
        row = await self._database().first(table.delivery_of(delivery_id))
        if row is None:
            raise ServiceError(
                f"There is no delivery {delivery_id[:40]!r}.",
                code=404,
                stage=Stage.ARGUMENT,
                next_step="`twilio-compat webhooks list` shows those that are remembered.",
            )
        return row._asdict()

    # ------------------------------------------------------------ inside

    def _post(self, request: WebhookRequest, *, replay_of: str | None = None) -> Delivery:
        now = self._clock()
        sequence = self.sequence(request.group)
        self._sequences.pop(request.group, None)
        self._sequences[request.group] = sequence + 1
        if len(self._sequences) > self._limits.groups:
            del self._sequences[next(iter(self._sequences))]
        delivery = Delivery(request, sequence, now, now, replay_of=replay_of)
        is_group_full = len(self._queues.get(request.group, ())) >= self._limits.per_group
        if is_group_full or self._counts[DeliveryState.PENDING] >= self._limits.pending:
            delivery.fail("Too many deliveries wait.")
            self._counts[DeliveryState.FAILED] += 1
        self._database().put(table.DELIVERIES, delivery.as_row())
        if delivery.state is DeliveryState.PENDING and self._is_running:
            self._enqueue(delivery)
        return delivery

    def _enqueue(self, delivery: Delivery) -> None:
        group = delivery.request.group
        queue = self._queues.setdefault(group, deque())
        queue.append(delivery)
        self._counts[DeliveryState.PENDING] += 1
        if group not in self._tasks:
            task = asyncio.create_task(self._drain(group, queue), name=f"webhooks of {group}")
            self._tasks[group] = task

    async def _drain(self, group: str, queue: deque[Delivery]) -> None:
        """Deliver what a group has, and what comes meanwhile."""
        try:
            while queue:
                await self._deliver(queue[0])
                if queue[0].state is DeliveryState.PENDING:
                    return  # The service is closing.
                queue.popleft()
                self._counts[DeliveryState.PENDING] -= 1
        finally:
            self._counts[DeliveryState.PENDING] -= len(queue)
            del self._queues[group], self._tasks[group]

    async def _deliver(self, delivery: Delivery) -> None:
        while delivery.state is DeliveryState.PENDING:
            await asyncio.sleep(max(0.0, delivery.next_at - self._clock()))
            await self._attempt(delivery)
            if not self._is_running:
                return

    async def _attempt(self, delivery: Delivery) -> None:
        request = delivery.request
        try:
            origin = str(self.guard.check(request.url).origin())
            async with self._turns.turn(origin) as breaker:
                if self._clock() - delivery.created_at > self.times.lifetime:
                    self._settle(delivery, "Nobody took it in time.", may_retry=False)
                    return
                try:
                    answer = await self._sender.send(request)
                except TransportError:
                    breaker.failed(asyncio.get_running_loop().time())
                    raise
                if answer.status >= HOST_IS_BROKEN or answer.status == TOO_MANY_REQUESTS:
                    breaker.failed(asyncio.get_running_loop().time())
                else:
                    breaker.succeeded()
        except CallingError as error:
            may_retry = isinstance(error, TransportError)
            self._settle(delivery, error.message, may_retry=may_retry)
        except Exception:
            # A request that breaks something here must not keep its group from being told.
            _log.exception("webhook %s (%s) cannot be sent", request.id, request.event)
            self._settle(delivery, "The service failed to send it.", may_retry=False)
        else:
            self._judge(delivery, answer)

    def _judge(self, delivery: Delivery, answer: Answer) -> None:
        if not answer.is_success:
            is_redirect = 300 <= answer.status < 400
            error = f"It answered {answer.status}{'; redirects are not followed' * is_redirect}."
            self._settle(delivery, error, status=answer.status)
        elif delivery.request.expected not in answer.text:
            self._settle(delivery, "The answer is not what it must be.", status=answer.status)
        else:
            delivery.succeeded(answer.status, now=self._clock())
            self._write(delivery)

    def _settle(
        self, delivery: Delivery, error: str, *, status: int | None = None, may_retry: bool = True
    ) -> None:
        delivery.attempt_failed(
            error, status=status, may_retry=may_retry, times=self.times, now=self._clock()
        )
        if delivery.state is DeliveryState.FAILED:
            # The URL may hold a password.
            request = delivery.request
            _log.warning("webhook %s (%s) is given up: %s", request.id, request.event, error)
        self._write(delivery)

    def _write(self, delivery: Delivery) -> None:
        if delivery.state is not DeliveryState.PENDING:
            self._counts[delivery.state] += 1
        statement = table.progress_of(delivery.request.id).values(delivery.progress())
        self._database().write(statement)
        self._progress.set()

    async def _sweep(self) -> None:
        """Forget what is old."""
        while True:
            before = self._clock() - self.times.kept
            self._database().write(table.old_deliveries(DeliveryState.PENDING, before=before))
            await asyncio.sleep(self.times.sweep)
