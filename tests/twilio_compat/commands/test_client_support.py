from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from acs_core.errors import InvalidArgumentError
from twilio_compat.commands.client_support import load_access, media_option, stop_signals


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CALLING_SERVICE_URL", raising=False)


def test_address_is_that_of_the_flag_then_of_the_environment_then_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_access(None, None, None).url == "http://127.0.0.1:7780"
    monkeypatch.setenv("CALLING_SERVICE_URL", "http://one/")
    assert load_access(None, None, None).url == "http://one"
    assert load_access("http://two", None, None).url == "http://two"


def test_given_token_is_used_as_it_is() -> None:
    assert load_access(None, "given", None).token("ann") == "given"


def test_configuration_that_is_not_there_is_an_error() -> None:
    with pytest.raises(InvalidArgumentError, match="no configuration file"):
        load_access(None, None, Path("missing.toml"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_are_an_event_for_a_while(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_signals() as stopped:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            await stopped.wait()
    assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.parametrize(
    ("kind", "text", "option"),
    [
        ("video", "none", False),
        ("video", "pattern", {"source": "pattern"}),
        ("audio", "tone", {"source": "tone"}),
        ("audio", "a.wav", {"source": "a.wav", "loop": True}),
    ],
)
def test_word_or_path_becomes_an_option(kind: Any, text: str, option: object) -> None:
    assert media_option(kind, text) == option


@pytest.mark.parametrize(("kind", "text"), [("video", "tone"), ("audio", "screen")])
def test_word_of_the_other_kind_is_no_file(kind: Any, text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        media_option(kind, text)
