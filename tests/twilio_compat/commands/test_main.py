from __future__ import annotations

import json

import pytest

from acs_core.errors import (
    AuthenticationError,
    CallingError,
    DeadlineError,
    InvalidArgumentError,
    InvalidStateError,
    MediaError,
    ProtocolError,
    ServiceError,
    SourceUnavailableError,
    Stage,
    TransportError,
)
from acs_core.version import __version__
from tests.support.command_line import run, run_process
from twilio_compat import __main__ as command_line
from twilio_compat.errors import TwilioError, create_twilio_error, from_core


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidArgumentError("x"), 2),
        (TransportError("x"), 3),
        (DeadlineError("x"), 3),
        (ServiceError("x"), 4),
        (AuthenticationError("x"), 4),
        (MediaError("x"), 5),
        (SourceUnavailableError("x"), 5),
        (ProtocolError("x"), 1),
        (InvalidStateError("x"), 1),
    ],
)
def test_exit_code_says_what_kind_of_error_it_was(error: CallingError, code: int) -> None:
    assert command_line._exit_code(error) == code
    assert command_line._exit_code(from_core(error)) == code


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [(20104, 4), (53000, 3), (53002, 3), (53105, 4), (53205, 4), (53405, 5), (0, 1)],
)
def test_twilio_error_without_a_cause_is_judged_by_its_range(code: int, exit_code: int) -> None:
    assert command_line._exit_code(create_twilio_error(code)) == exit_code


def test_error_is_explained_on_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["twilio-compat", "join"])
    error = MediaError("No file [x].", stage=Stage.DEVICE, next_step="Look [there].")
    command_line._explain(error)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "error 500: No file [x]. (device)\nwhat to do: Look [there].\n"


def test_error_is_one_json_object_on_stdout_when_asked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["twilio-compat", "join", "--json"])
    core = AuthenticationError("Expired.", sub_code=20104, stage=Stage.TOKEN, next_step="Renew.")
    command_line._explain(from_core(core))
    report = json.loads(capsys.readouterr().out)
    assert report == {
        "event": "error",
        "code": 20104,
        "message": "Access Token expired or expiration date invalid: Expired.",
        "stage": "token",
        "next_step": "Renew.",
    }


def test_explanation_does_not_say_things_twice() -> None:
    details = create_twilio_error(53000).message
    error = create_twilio_error(53000, f"{details}: no route")
    assert command_line._report(error)["message"] == f"{details}: no route"


def test_known_code_comes_with_its_usual_solution() -> None:
    error = create_twilio_error(20104)
    assert command_line._report(error)["next_step"] == error.solutions[0]


def test_unknown_error_has_nothing_to_advise() -> None:
    assert command_line._report(TwilioError(1, "Odd"))["next_step"] == ""


def test_all_commands_are_listed_without_arguments() -> None:
    done = run()
    for name in ("serve", "token", "join", "demo", "doctor", "load-test"):
        assert name in done.out + done.err
    assert done.code == 2


def test_version_is_printed() -> None:
    done = run_process("--version")
    assert (done.code, done.out) == (0, f"twilio-compat {__version__}\n")


def test_unknown_command_is_wrong_usage() -> None:
    done = run("dance")
    assert done.code == 2
    assert "dance" in done.err
