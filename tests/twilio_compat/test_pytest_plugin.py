from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.support.command_line import clean_environment

BOT = """
import os

import pytest

import twilio_compat


{mark}
async def test_bot(calling_server, access_token, room_name):
    assert os.environ["CALLING_SERVICE_URL"] == calling_server.url
    first = await twilio_compat.connect(
        access_token("ann"), name=room_name, audio=False, video=False
    )
    async with first:
        assert first.name == room_name
        assert first.local_participant.identity == "ann"


{mark}
async def test_next(calling_server, user_token, room_name):
    assert user_token() != user_token()
    assert room_name.startswith("room-")


def test_address_is_taken_back():
    assert "CALLING_SERVICE_URL" not in os.environ
"""


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_fixtures_work_in_somebody_elses_project(tmp_path: Path, mode: str) -> None:
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    (tmp_path / "test_bot.py").write_text(BOT.format(mark=mark))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = {mode}\n")
    root = Path(__file__).parents[2]
    # The entry point is there once the package is installed; naming it twice is an error then.
    plugin = [] if _is_installed() else ["-p", "twilio_compat.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "test_bot.py"],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(root)}),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def _is_installed() -> bool:
    return any(entry.name == "twilio_compat" for entry in entry_points(group="pytest11"))
