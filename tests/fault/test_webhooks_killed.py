"""`kill -9` while webhooks are delivered: what was acknowledged is told after a restart."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.support.command_line import clean_environment, command
from tests.support.events import until
from tests.support.webhook_sink import Got, WebhookSink, webhook_sink

DEADLINE = 120.0
"""Seconds; machines that do much else take long to start a program."""
ACCOUNT, TOKEN = "AC" + "1" * 32, "t" * 32
ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "CALLING_WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
    "CALLING_REST_WRITES": "1e6",  # rooms as fast as the machine can
}


class Killed:
    """A service with a data directory of its own; each `run` is one process."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        """A running service, by its URL; killed at the end, without a goodbye."""
        arguments = ("--port", "0", "--media-port", "0", "--data-dir", self._folder)
        process = await asyncio.create_subprocess_exec(
            *command("serve", *arguments),
            env=clean_environment(ENVIRONMENT),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), DEADLINE)
            assert line, "the service did not start"
            yield json.loads(line)["url"]
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


async def create_rooms(url: str, sink: WebhookSink, acknowledged: list[str]) -> None:
    """Create and complete rooms until the service is gone; each of them was acknowledged."""
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    async with aiohttp.ClientSession(headers=headers) as http:
        while True:
            try:
                form = {"StatusCallback": f"{sink.url}/hook"}
                async with http.post(f"{url}/v1/Rooms", data=form) as answer:
                    made: dict[str, Any] = await answer.json()
                    assert answer.status == 201, made
                sid = str(made["sid"])
                form = {"Status": "completed"}
                async with http.post(f"{url}/v1/Rooms/{sid}", data=form) as answer:
                    assert answer.status == 202
            except (aiohttp.ClientError, ConnectionError):
                return
            acknowledged.append(sid)


class Listener:
    """Refuses a fifth of what comes for the first time, and notes the rest.

    Only the first time: after the third refusal a webhook comes minutes later.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._refused: set[str] = set()
        self._events: dict[str, list[str]] = {}
        self.taken: list[str] = []
        """Tokens of what was taken, in that order."""

    async def answer(self, got: Got) -> web.StreamResponse:
        token = got.headers["I-Twilio-Idempotency-Token"]
        if token not in self._refused and self._chance.random() < 0.2:
            self._refused.add(token)
            return web.Response(status=500)
        self.taken.append(token)
        events = self._events.setdefault(got.form["RoomSid"], [])
        if got.event not in events:
            events.append(got.event)
        return web.Response()

    def knows(self, acknowledged: list[str]) -> bool:
        """Whether both events of each room came, in order."""
        return all(self._events.get(sid) == ["room-created", "room-ended"] for sid in acknowledged)


async def one_kill(killed: Killed, sink: WebhookSink, acknowledged: list[str], wait: float) -> None:
    async with asyncio.TaskGroup() as group, killed.run() as url:
        before = len(acknowledged)
        group.create_task(create_rooms(url, sink, acknowledged))
        await until(lambda: len(acknowledged) > before, deadline=DEADLINE)
        # Some moment in the middle of it.
        await asyncio.sleep(wait)


async def kills(count: int, seed: int) -> int:
    """How many rooms were acknowledged, of all of which was told in the end."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        killed = Killed(folder)
        listener = Listener(chance)

        async with webhook_sink(listener.answer) as sink:
            for _ in range(count):
                await one_kill(killed, sink, acknowledged, chance.uniform(0.0, 1.0))
            async with killed.run():
                await until(lambda: listener.knows(acknowledged), deadline=DEADLINE)
            came, taken = len(sink.got), len(listener.taken)
            print(
                f"\n{count} kills: {len(acknowledged)} rooms acknowledged, all told; "
                f"{came} requests, {came - taken} refused on purpose, "
                f"{taken - len(set(listener.taken))} taken twice"
            )
            # Who looks at the token acts once.
            by_token = {item.headers["I-Twilio-Idempotency-Token"]: item.body for item in sink.got}
            assert all(
                by_token[item.headers["I-Twilio-Idempotency-Token"]] == item.body
                for item in sink.got
            )
    return len(acknowledged)


@pytest.mark.timeout(600)
async def test_nothing_acknowledged_is_lost_when_the_service_is_killed() -> None:
    assert await kills(1, seed=1) > 0


@pytest.mark.proof
@pytest.mark.timeout(3600)
async def test_nothing_acknowledged_is_lost_in_fifty_kills() -> None:
    assert await kills(50, seed=int(os.environ.get("SEED", "7"))) >= 50
