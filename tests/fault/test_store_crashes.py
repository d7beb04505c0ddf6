"""The service is killed while rooms and users are made, and keeps what it had acknowledged."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from azure.communication.identity import CommunicationIdentityClient, CommunicationUserIdentifier
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.core.pipeline.transport import RequestsTransport
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.support.command_line import Served, served

ANSWER_DEADLINE = 20.0
LONGEST_LIFE = 0.8
"""Seconds after which the service is killed, at most."""
UNLIMITED = {"CALLING_REST_READS": "1e6", "CALLING_REST_WRITES": "1e6"}
"""Nobody who hammers is told to wait."""


@dataclass
class Ledger:
    """What the service has acknowledged; what was asked for besides may or may not have happened.

    Attributes:
        rooms: Unique names by SID.
        completed: SIDs.
        asked: SIDs of rooms that were to be completed.
        users: Raw ids.
        deleted: Raw ids.
        doomed: Raw ids of users that were to be deleted.
    """

    rooms: dict[str, str] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)


class Clients:
    """The vendors' own, for one server."""

    def __init__(self, server: Served) -> None:
        environment = server.credentials
        self.twilio = Client(
            environment["TWILIO_API_KEY_SID"],
            environment["TWILIO_API_KEY_SECRET"],
            environment["TWILIO_ACCOUNT_SID"],
            http_client=TwilioHttpClient(timeout=ANSWER_DEADLINE, max_retries=None),
        )
        self.twilio.video.base_url = server.url
        # The client itself cannot be closed.
        self._transport = RequestsTransport()
        self.azure = CommunicationIdentityClient(
            server.url,
            AzureKeyCredential(environment["ACS_ACCESS_KEY"]),
            retry_total=0,
            transport=self._transport,
        )

    def close(self) -> None:
        session = self.twilio.http_client.session
        if session is not None:
            session.close()
        self._transport.close()


@contextlib.contextmanager
def clients(server: Served) -> Iterator[Clients]:
    made = Clients(server)
    try:
        yield made
    finally:
        made.close()


def hammer_rooms(made: Clients, ledger: Ledger, prefix: str, stop: threading.Event) -> None:
    """Make rooms, and complete every third, until the service is gone."""
    rooms = made.twilio.video.v1.rooms
    number = 0
    with contextlib.suppress(Exception):
        while not stop.is_set():
            number += 1
            name = f"{prefix}-{number}"
            sid = rooms.create(unique_name=name, empty_room_timeout=60).sid
            ledger.rooms[sid] = name
            if number % 3 == 0:
                ledger.asked.add(sid)
                rooms(sid).update(status="completed")
                ledger.completed.add(sid)


def hammer_users(made: Clients, ledger: Ledger, stop: threading.Event) -> None:
    """Make users, and delete every third, until the service is gone."""
    number = 0
    with contextlib.suppress(Exception):
        while not stop.is_set():
            number += 1
            user = made.azure.create_user()
            raw_id = user.properties["id"]
            ledger.users.add(raw_id)
            if number % 3 == 0:
                ledger.doomed.add(raw_id)
                made.azure.delete_user(user)
                ledger.deleted.add(raw_id)


def work_until_killed(server: Served, ledger: Ledger, round_: int, life: float) -> None:
    stop = threading.Event()
    with clients(server) as first, clients(server) as second, ThreadPoolExecutor(3) as pool:
        pool.submit(hammer_rooms, first, ledger, f"{round_}-a", stop)
        pool.submit(hammer_rooms, second, ledger, f"{round_}-b", stop)
        pool.submit(hammer_users, first, ledger, stop)
        stop.wait(life)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(10)
        stop.set()


def check(server: Served, ledger: Ledger) -> None:
    """Whether everything that was acknowledged is there, and nothing that was never asked for."""
    with clients(server) as made:
        rooms = made.twilio.video.v1.rooms
        listed = {
            status: {room.sid: room for room in rooms.stream(status=status, page_size=1000)}
            for status in ("in-progress", "completed")
        }
        for sid, name in ledger.rooms.items():
            if sid in ledger.completed:
                assert sid in listed["completed"]
            elif sid not in ledger.asked:
                room = listed["in-progress"][sid]
                assert (room.unique_name, room.empty_room_timeout) == (name, 60)
        names = [room.unique_name for room in listed["in-progress"].values()]
        assert len(names) == len(set(names))
        for name in random.sample(names, min(5, len(names))):
            assert rooms(name).fetch().status == "in-progress"
            with pytest.raises(TwilioRestException) as taken:
                rooms.create(unique_name=name)
            assert taken.value.code == 53113
        for raw_id in ledger.users - ledger.doomed:
            assert made.azure.get_token(CommunicationUserIdentifier(raw_id), ["voip"]).token
        for raw_id in ledger.deleted:
            with pytest.raises(ResourceNotFoundError):
                made.azure.get_token(CommunicationUserIdentifier(raw_id), ["voip"])


def kill_again_and_again(folder: Path, *, times: int, seed: int) -> int:
    """How many rooms and users were acknowledged, all of which were there after the next start."""
    chance, acknowledged = random.Random(seed), 0
    ledger = Ledger()
    arguments = ("--data-dir", str(folder / "data"))
    environment = dict(UNLIMITED)
    for round_ in range(times):
        fresh = Ledger()
        with served(*arguments, environment=environment) as server:
            environment |= server.credentials
            del environment["CALLING_SERVICE_URL"]
            check(server, ledger)
            work_until_killed(server, fresh, round_, chance.uniform(0.0, LONGEST_LIFE))
        ledger = fresh
        acknowledged += len(ledger.rooms) + len(ledger.users)
    with served(*arguments, environment=environment) as server:
        check(server, ledger)
    return acknowledged


@pytest.mark.timeout(180)
def test_what_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    # It lives for 0.76 s.
    assert kill_again_and_again(tmp_path, times=1, seed=2) > 3


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_what_was_acknowledged_is_there_after_fifty_kills(tmp_path: Path) -> None:
    acknowledged = kill_again_and_again(tmp_path, times=50, seed=2)
    print(f"50 kills, {acknowledged} rooms and users acknowledged, none lost")
    assert acknowledged > 50
