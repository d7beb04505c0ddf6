from __future__ import annotations

import shutil
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


FAILING = """
async def test_music(fake_participant):
    ann = await fake_participant("ann", tone=440)
    bob = await fake_participant("bob")
    await bob.hears(tone=880, from_="ann", within=1)
"""
EXAMPLE = Path(__file__).parents[2] / "migration_examples" / "pytest_plugin"


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_fixtures_work_in_somebody_elses_project(tmp_path: Path, mode: str) -> None:
    mark = "@pytest.mark.asyncio" if mode == "strict" else ""
    (tmp_path / "test_bot.py").write_text(BOT.format(mark=mark))
    code, out = inner_pytest(tmp_path, mode)
    assert code == 0, out
    assert "3 passed" in out


def test_a_failure_is_one_line_that_says_what_was_there_instead(tmp_path: Path) -> None:
    (tmp_path / "test_music.py").write_text(FAILING)
    code, out = inner_pytest(tmp_path, "auto")
    assert code == 1, out
    errors = [line for line in out.splitlines() if line.startswith("E  ")]
    assert len(errors) == 1, out
    assert "AssertionError: bob did not hear 880 Hz from ann within 1 s. Heard: 4" in errors[0]
    # The test's own line is what fails, not the inside of this package.
    assert "test_music.py:5: AssertionError" in out


def test_the_example_tests_its_bot(tmp_path: Path) -> None:
    for name in ("doorman.py", "test_doorman.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    code, out = inner_pytest(tmp_path, "strict")
    assert code == 0, out
    assert "3 passed" in out


def inner_pytest(folder: Path, mode: str) -> tuple[int, str]:
    """Run the tests of a folder as somebody else's project; return exit code and output."""
    (folder / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = {mode}\n")
    root = Path(__file__).parents[2]
    # The entry point is there once the package is installed; naming it twice is an error then.
    plugin = [] if _is_installed() else ["-p", "twilio_compat.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, "."],
        cwd=folder,
        env=clean_environment({"PYTHONPATH": str(root)}),
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def _is_installed() -> bool:
    return any(entry.name == "twilio_compat" for entry in entry_points(group="pytest11"))
