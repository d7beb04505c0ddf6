from __future__ import annotations

import asyncio
import json
import subprocess

import aiohttp
import pytest

from tests.support.command_line import Served, clean_environment, command, run


async def _tell(url: str, token: str, *names: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{url}/v1/VideoEvents") as socket,
    ):
        publisher = {"name": "twilio-video.js", "sdkVersion": "2", "roomSid": "RM1"}
        await socket.send_json({
            "type": "connect", "version": 1, "token": token,
            "publisher": {**publisher, "participantSid": "PA1"},
        })  # fmt: skip
        session = (await socket.receive_json(timeout=5))["session"]
        for name in names:
            await socket.send_json({
                "type": "event", "version": 1, "session": session, "group": "room", "name": name,
                "timestamp": 1, "payload": {"level": "info", "text": "x" * 300},
            })  # fmt: skip


def tell(service: Served, identity: str, *names: str) -> None:
    token = service.run("token", "--identity", identity).out.strip()
    asyncio.run(_tell(service.url, token, *names))


@pytest.mark.feature("MATRIX-038", "MATRIX-040")
def test_events_are_printed_as_json_lines(service: Served) -> None:
    tell(service, "ann", "connecting", "connected")
    done = service.run("insights", "--participant", "ann", "--json")
    assert [line["name"] for line in done.events("insight")] == ["connecting", "connected"]
    assert done.events("insight")[0]["room_sid"] == "RM1"
    assert done.code == 0


def test_events_are_printed_for_people_without_what_steers_a_terminal(service: Served) -> None:
    tell(service, "bob", "\x1b[2Jgone")
    (line,) = service.run("insights", "--participant", "bob").out.splitlines()
    assert " RM1 bob info room ?[2Jgone " in line
    assert line.endswith("…")


def test_room_without_events_prints_nothing(service: Served) -> None:
    done = service.run("insights", "--room", "empty")
    assert (done.code, done.out) == (0, "")


def test_follow_prints_what_comes(service: Served) -> None:
    process = subprocess.Popen(
        command("insights", "--participant", "eve", "--follow", "--json"),
        env=clean_environment(service.credentials),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for name in ("one", "two"):
            tell(service, "eve", name)
            assert json.loads(process.stdout.readline())["name"] == name
    finally:
        process.kill()
        process.communicate(timeout=20)


@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "TWILIO_ACCOUNT_SID"])
def test_api_key_opens_insights_as_well(service: Served, name: str) -> None:
    known = {key: value for key, value in service.credentials.items() if key != name}
    assert run("insights", "--room", "empty", environment=known).code == 0


def test_wrong_credentials_are_refused_with_advice(service: Served) -> None:
    done = service.run("insights", TWILIO_AUTH_TOKEN="guess")
    assert done.code == 4
    assert "TWILIO_AUTH_TOKEN" in done.err


def test_missing_credentials_are_wrong_usage(service: Served) -> None:
    done = run("insights", "--url", service.url)
    assert done.code == 2
    assert "No Twilio credentials" in done.err


def test_service_that_is_not_there_is_said() -> None:
    done = run(
        "insights", "--url", "http://127.0.0.1:9",
        environment={"TWILIO_ACCOUNT_SID": "AC" + "1" * 32, "TWILIO_AUTH_TOKEN": "x"},
    )  # fmt: skip
    assert done.code == 3
    assert "http://127.0.0.1:9 cannot be reached" in done.err


def test_service_without_insights_is_said(service: Served) -> None:
    done = service.run("insights", "--url", f"{service.url}/elsewhere")
    assert done.code == 4
    assert "answers 404" in done.err
