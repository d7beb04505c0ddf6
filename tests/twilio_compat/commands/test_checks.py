from __future__ import annotations

from email.utils import formatdate
from pathlib import Path

import pytest

from acs_core.errors import Stage, TransportError
from acs_core.version import __version__
from twilio_compat.commands import checks
from twilio_compat.commands.checks import Check, Status, check_here, failed
from twilio_compat.commands.client_support import load_access
from twilio_compat.errors import TwilioError, from_core


def test_turn_of_the_configuration_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALLING_TURN_URL", "turn:relay.example:3478")
    monkeypatch.setenv("CALLING_TURN_SECRET", "shared")
    found = {check.name: check for check in check_here(load_access(None, None, None))}
    assert found["TURN"].status is Status.OK
    assert "relay.example" in found["TURN"].detail


@pytest.mark.parametrize(
    ("offset", "status", "words"),
    [
        (0.0, Status.OK, "within a second"),
        (3.0, Status.OK, "ahead"),
        (120.0, Status.WARN, "ahead"),
        (-120.0, Status.WARN, "behind"),
    ],
)
def test_clocks_are_compared(offset: float, status: Status, words: str) -> None:
    now = 1_800_000_000.0
    check = checks._clock(formatdate(now + offset, usegmt=True), now)
    assert check.status is status
    assert words in check.detail


def test_service_without_a_date_has_no_clock() -> None:
    assert checks._clock("yesterday", 0.0).status is Status.SKIPPED


@pytest.mark.parametrize(
    ("answer", "status", "expected"),
    [
        ({"version": __version__}, 200, Status.OK),
        ({"version": "0.0.0"}, 200, Status.WARN),
        ({}, 200, Status.FAIL),
        (["no", "object"], 200, Status.FAIL),
        ({"version": __version__}, 500, Status.FAIL),
    ],
)
def test_answer_tells_a_calling_service_from_others(
    answer: object, status: int, expected: Status
) -> None:
    assert checks._reached("http://x", status, answer, 0.001).status is expected


def test_codec_that_is_missing_matters_as_much_as_calls_need_it() -> None:
    needed = checks._codec(("VP8", "no such encoder", "libvpx", True))
    optional = checks._codec(("H264", "no such encoder", "no such decoder", False))
    assert (needed.status, optional.status) == (Status.FAIL, Status.WARN)
    assert needed.detail == "no encoder"
    assert optional.detail == "no encoder and no decoder"


def test_failure_is_told_in_the_words_of_the_error_behind_it() -> None:
    core = TransportError("UDP is blocked.", stage=Stage.ICE, next_step="Open the port.")
    expected = Check("media", Status.FAIL, "UDP is blocked. [ice]", "Open the port.")
    assert failed("media", core) == expected
    assert failed("media", from_core(core)) == expected
    assert failed("media", TimeoutError(), "Wait.").advice == "Wait."
    assert "53000" in failed("media", TwilioError(53000, "Signaling failed")).detail
