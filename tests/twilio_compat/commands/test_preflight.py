from __future__ import annotations

import asyncio
import signal

from tests.support.command_line import Served, clean_environment, command


def test_a_preflight_says_its_steps_and_its_report(service: Served) -> None:
    done = service.run("preflight", "--seconds", "0.5", "--json")
    assert done.code == 0, done.err
    assert [line["name"] for line in done.events("progress")][:2] == ["mediaAcquired", "connected"]
    (completed,) = done.events("completed")
    assert completed["report"]["stats"]["rtt"]["average"] > 0


def test_a_preflight_for_people_is_a_table(service: Served) -> None:
    done = service.run("preflight", "--seconds", "0.5")
    assert done.code == 0, done.err
    for row in ("round trip", "packets lost", "way"):
        assert row in done.out


async def test_ctrl_c_ends_a_preflight_without_a_word(service: Served) -> None:
    process = await asyncio.create_subprocess_exec(
        *command("preflight", "--seconds", "60", "--json"),
        env=clean_environment(service.credentials),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while b"mediaStarted" not in (line := await process.stdout.readline()):
            assert line, "it ended before"
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert process.returncode == 130
    assert errors == b""


def test_a_refused_token_is_said_with_its_code(service: Served) -> None:
    done = service.run("preflight", "--token", "rubbish", "--json")
    assert done.code == 4
    (error,) = done.events("error")
    assert error["code"] == 20101


def test_a_service_that_is_not_there_is_said(service: Served) -> None:
    done = service.run("preflight", "--url", "http://127.0.0.1:9")
    assert done.code == 3
    assert "53000" in done.err
