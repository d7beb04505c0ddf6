"""A test before a call says whether one may go in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.example_programs import main_of

TOPIC = "10_preflight"


@pytest.mark.parametrize(
    ("token", "expected"),
    [("", ["packets arrive", "ready to call"]), ("garbage", ["not ready to call"])],
    ids=["ready", "refused"],
)
async def test_all_programs_tell_the_same(
    program: str,
    home: Path,
    told: Callable[[str, list[str]], list[str]],
    access_token: Callable[[str], str],
    user_token: Callable[[], str],
    capsys: pytest.CaptureFixture[str],
    token: str,
    expected: list[str],
) -> None:
    good = user_token() if program == "native.py" else access_token("me")
    await main_of(home / TOPIC / program)(token or good, 1000)
    assert told(TOPIC, capsys.readouterr().out.splitlines()) == expected
