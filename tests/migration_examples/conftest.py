"""What every test of an example needs: its programs, and what it may print."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.support.example_programs import (
    EXAMPLES,
    Program,
    allowed_differences,
    main_of,
    migrate_all,
    running,
)
from twilio_compat.server import CompatServer

Run = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all `before.py`, as the codemod has made them."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate_all(folder)
    return folder


@pytest.fixture(params=["before.py", "compat.py", "native.py"])
def program(request: pytest.FixtureRequest) -> str:
    """Each program of a topic, one after the other."""
    name: str = request.param
    return name


@pytest.fixture
def home(program: str, request: pytest.FixtureRequest) -> Path:
    """The folder of the topics: that of the examples, or `migrated` for `before.py`."""
    return request.getfixturevalue("migrated") if program == "before.py" else EXAMPLES


@pytest.fixture
def run(
    program: str,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    access_token: Callable[[str], str],
    room_name: str,
) -> Run:
    """Runs the program of a topic as the identity `me`: `async with run("04_chat") as shell`.

    `before.py` runs as the codemod has made it. Further arguments go between the name of the room
    and what is typed.
    """

    def start(topic: str, *more: object) -> AbstractAsyncContextManager[Program]:
        return running(
            main_of(home / topic / program), capsys, access_token("me"), room_name, *more
        )

    return start


@pytest.fixture
def told(program: str) -> Callable[[str, list[str]], list[str]]:
    """What a program printed, without the lines that only it prints, as its README says."""

    def common(topic: str, printed: list[str]) -> list[str]:
        name = "compat.py" if program == "before.py" else program
        is_allowed = allowed_differences(EXAMPLES / topic, name)
        return [line for line in printed if not is_allowed(line)]

    return common


@pytest.fixture
def twilio_environment(calling_server: CompatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment, as a back end has them."""
    settings: Any = calling_server.settings
    sid, key = next(iter(settings.api_keys.items()))
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", settings.twilio_account_sid)
    monkeypatch.setenv("TWILIO_API_KEY_SID", sid)
    monkeypatch.setenv("TWILIO_API_KEY_SECRET", key.secret)
