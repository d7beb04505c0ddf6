"""The command line: `twilio-compat`, also as `python -m twilio_compat`.

Exit codes: 0 done; 1 it failed, and the message says why; 2 wrong usage; 3 the service cannot be
reached; 4 the service refuses; 5 media failed; 130 interrupted.
"""

from __future__ import annotations

import json
import sys

import typer
from rich.console import Console
from rich.markup import escape

from acs_core.errors import (
    CallingError,
    InvalidArgumentError,
    MediaError,
    ServiceError,
    TransportError,
)
from acs_core.version import __version__
from twilio_compat.commands.group import CommandGroup
from twilio_compat.errors import TwilioError

__all__ = ["app", "main"]

app = typer.Typer(
    name="twilio-compat",
    cls=CommandGroup,
    help="Keep your Twilio Video or ACS Calling code; own the server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"twilio-compat {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Keep your Twilio Video or ACS Calling code; own the server."""


def main() -> None:
    """Run the command line and exit."""
    try:
        app()
    except (CallingError, TwilioError) as error:
        _explain(error)
        sys.exit(_exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _explain(error: CallingError | TwilioError) -> None:
    report = _report(error)
    if "--json" in sys.argv:
        print(json.dumps({"event": "error", **report}), flush=True)
        return
    # Messages hold names of files and rooms, whose brackets are no markup.
    stage = f" [dim]({report['stage']})[/dim]" if report["stage"] else ""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    message = escape(str(report["message"]))
    console.print(f"[red bold]error {report['code']}:[/] {message}{stage}")
    if report["next_step"]:
        console.print(f"[dim]what to do:[/] {escape(str(report['next_step']))}")


def _report(error: CallingError | TwilioError) -> dict[str, object]:
    """What happened, as the keys that `--json` prints."""
    if isinstance(error, CallingError):
        return {
            "code": error.sub_code or error.code,
            "message": error.message,
            "stage": error.stage,
            "next_step": error.next_step,
        }
    core = _core_cause(error)
    message = error.explanation or error.message
    if not message.startswith(error.message):
        message = f"{error.message}: {message}"
    return {
        "code": error.code,
        "message": message,
        "stage": core.stage if core else None,
        "next_step": error.next_step or next(iter(error.solutions), ""),
    }


def _core_cause(error: BaseException) -> CallingError | None:
    cause = error.__cause__
    while cause is not None and not isinstance(cause, CallingError):
        cause = cause.__cause__
    return cause


def _exit_code(error: CallingError | TwilioError) -> int:
    core = error if isinstance(error, CallingError) else _core_cause(error)
    match core:
        case InvalidArgumentError():
            return 2
        case TransportError():
            return 3
        case ServiceError():
            return 4
        case MediaError():
            return 5
        case None:
            return _exit_code_of_twilio(error.code)
        case _:
            return 1


def _exit_code_of_twilio(code: int) -> int:
    """For an error that came over the wire; the ranges are those of Twilio's error dictionary."""
    if 20101 <= code <= 20107 or 53100 <= code < 53400:
        return 4
    if 53000 <= code < 53100:
        return 3
    return 5 if 53400 <= code < 53500 else 1


if __name__ == "__main__":
    main()
