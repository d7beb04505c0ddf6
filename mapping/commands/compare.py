"""`twilio-compat compare`: one scenario, two implementations, or two traces, side by side.

Exit codes: 0 alike; 1 different; 2 wrong usage, or something is not installed or breaks; 3 the
service does not answer.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from mapping.compare import RunOptions, Scenario, Service, Trace

__all__ = ["register"]

ALIKE, DIFFERENT, USAGE, SERVICE = 0, 1, 2, 3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(compare)


def compare(
    subject: Annotated[
        str, typer.Argument(help="A scenario (name or file), or a trace (.jsonl).")
    ] = "",
    other: Annotated[str, typer.Argument(help="The other trace, if the first is one.")] = "",
    left: Annotated[str, typer.Option(help="twilio, native, page or videosdk.")] = "twilio",
    right: Annotated[str | None, typer.Option(help="The same.", show_default="native")] = None,
    golden: Annotated[
        Path | None, typer.Option(help="Compare --left with this recorded trace instead.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Only run --left, and write its trace here.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a timeline here.")] = None,
    repro: Annotated[
        Path | None,
        typer.Option(help="Write the scenario until the first divergence here, if there is one."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A service that runs, with the configured credentials.")
    ] = None,
    within: Annotated[float, typer.Option(help="Seconds an expectation may take.", min=0.1)] = 10.0,
    chromium: Annotated[str, typer.Option(help="The browser's program, for page.")] = "",
    sdk: Annotated[str, typer.Option(help="Folder of twilio-video.js, for page.")] = "",
    list_: Annotated[bool, typer.Option("--list", help="List the scenarios.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Show whether two implementations behave alike."""
    from acs_core import CallingError
    from mapping.compare import CompareError, RunOptions, UnreachableError

    try:
        if list_:
            _list(as_json=as_json)
            return
        _check_usage(subject, other, golden, record, right, html or repro)
        options = RunOptions(
            within=within,
            service=_service(url, config_file),
            chromium=chromium,
            sdk=sdk,
        )
        if record is not None:
            raise typer.Exit(_record(subject, left, record, options))
        sides = left, right or "native"
        scenario, traces = _traces(subject, other, golden, sides, options)
        _report(scenario, traces, html, repro, as_json=as_json)
    except UnreachableError as error:
        _explain(error, as_json=as_json)
        raise typer.Exit(SERVICE) from error
    except (CompareError, CallingError, OSError) as error:
        _explain(error, as_json=as_json)
        raise typer.Exit(USAGE) from error


def _check_usage(
    subject: str,
    other: str,
    golden: Path | None,
    record: Path | None,
    right: str | None,
    report: Path | None,
) -> None:
    """Refuse options that would be ignored: the answer would be to another question.

    Raises:
        CompareError: There are some.
    """
    from mapping.compare import CompareError

    if other and (golden or record or right):
        raise CompareError("Two traces are compared without a run: no --golden, --record, --right.")
    if record and (golden or right or report):
        raise CompareError("--record only runs --left: no --golden, --right, --html or --repro.")
    if golden and right:
        raise CompareError("--golden is compared with --left: no --right.")
    if subject.endswith(".jsonl") and not other:
        raise CompareError("Give a second trace, or a scenario with this one as --golden.")


def _traces(
    subject: str,
    other: str,
    golden: Path | None,
    sides: tuple[str, str],
    options: RunOptions,
) -> tuple[Scenario | None, tuple[Trace, Trace]]:
    """The two traces, read or run, and the scenario that both are of.

    Raises:
        CompareError: They cannot be had.
    """
    from mapping.compare import ScenarioError, Trace, find_scenario

    if other:
        one, two = Trace.read(Path(subject)), Trace.read(Path(other))
        name = one.header.scenario if one.header.scenario == two.header.scenario else ""
        return _known(name), (one, two)
    if golden is not None:
        recorded = Trace.read(golden)
        scenario = find_scenario(subject or recorded.header.scenario)
        return scenario, (recorded, _run(scenario, sides[0], options))
    if not subject:
        raise ScenarioError("Give a scenario; --list shows those that there are.")
    scenario = find_scenario(subject)
    one, two = (_run(scenario, side, options) for side in sides)
    return scenario, (one, two)


def _known(name: str) -> Scenario | None:
    """The packaged scenario of a name, or None: traces may be of a program of one's own."""
    from mapping.compare import find_scenario, packaged_scenarios

    return find_scenario(name) if name in packaged_scenarios() else None


def _run(scenario: Scenario, implementation: str, options: RunOptions) -> Trace:
    from mapping.compare import run_scenario

    return asyncio.run(run_scenario(scenario, implementation, options))


def _record(subject: str, implementation: str, path: Path, options: RunOptions) -> int:
    from mapping.compare import find_scenario, normalize
    from mapping.compare.runner import UNMET

    scenario = find_scenario(subject)
    trace = normalize(_run(scenario, implementation, options), scenario)
    trace.write(path)
    return DIFFERENT if any(one.name == UNMET for one in trace.entries) else ALIKE


def _report(
    scenario: Scenario | None,
    traces: tuple[Trace, Trace],
    html: Path | None,
    repro: Path | None,
    *,
    as_json: bool,
) -> None:
    from mapping.compare import CompareError, render_timeline
    from mapping.compare import compare as compare_traces
    from mapping.compare.report import as_json as report_json
    from mapping.compare.report import print_report
    from mapping.compare.scenario_files import write_scenario

    if repro is not None and scenario is None:
        raise CompareError(
            "--repro shortens a scenario, and these traces are of none that is known."
        )
    comparison = compare_traces(*traces, scenario)
    if html is not None:
        # Texts of participants may hold half of a pair of surrogates.
        timeline = render_timeline(comparison, scenario)
        html.write_text(timeline, encoding="utf-8", errors="backslashreplace")
    if repro is not None and scenario is not None and comparison.first is not None:
        write_scenario(scenario.cut(max(1, comparison.first.step)), repro)
    if as_json:
        print(json.dumps(report_json(comparison)))
    else:
        print_report(comparison, Console(highlight=False, soft_wrap=True))
    raise typer.Exit(ALIKE if comparison.is_alike else DIFFERENT)


def _service(url: str | None, config_file: Path | None) -> Service | None:
    """The service of the command line; None for one in this process.

    Raises:
        InvalidArgumentError: There are no credentials.
        UnreachableError: There are none for Twilio's API.
    """
    if url is None:
        return None
    from mapping.compare import Service, UnreachableError
    from twilio_compat.commands.client_support import load_access

    access = load_access(url, None, config_file)
    account, keys = access.settings.twilio_account_sid, access.settings.api_keys
    if account is None or not keys:
        raise UnreachableError(
            "No Twilio credentials are configured: set TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and "
            "TWILIO_API_KEY_SECRET."
        )
    sid, key = next(iter(keys.items()))
    return Service(access.url, account, sid, key.secret)


def _list(*, as_json: bool) -> None:
    from mapping.compare import find_scenario, packaged_scenarios

    scenarios = [find_scenario(name) for name in packaged_scenarios()]
    if as_json:
        rows = [
            {"scenario": one.name, "title": one.title, "about": list(one.about)}
            for one in scenarios
        ]
        print(json.dumps(rows))
        return
    console = Console(highlight=False, soft_wrap=True)
    for one in scenarios:
        console.print(f"[bold]{one.name:22}[/] {escape(one.title)}")


def _explain(error: Exception, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"event": "error", "message": str(error)}))
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"[red bold]error:[/] {escape(str(error))}"
        )
