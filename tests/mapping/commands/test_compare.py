from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mapping.commands import compare as command
from mapping.compare import Trace, find_scenario
from mapping.compare.scenario_files import FOLDER
from tests.support.traces import event, story_trace, with_entries

app = typer.Typer()
command.register(app)
app.command()(lambda: None)  # A second one, so that the first keeps its name.
GOLDEN = FOLDER / "golden" / "join-leave.jsonl"


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_scenarios_are_listed() -> None:
    code, text = run("--list")
    assert code == 0
    assert "join-leave" in text
    code, text = run("--list", "--json")
    assert json.loads(text)[0].keys() == {"scenario", "title", "about"}


def test_two_implementations_of_a_scenario_are_compared(tmp_path: Path) -> None:
    html = tmp_path / "timeline.html"
    code, text = run("join-leave", "--html", html, "--repro", tmp_path / "repro.yaml")
    assert (code, text.split()[0]) == (0, "alike")
    assert "join-leave" in html.read_text(encoding="utf-8")
    assert not (tmp_path / "repro.yaml").exists()


def test_a_run_is_recorded_and_compared_with_later(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    assert run("join-leave", "--record", path) == (0, "")
    assert "<PA ben 1>" in path.read_text(encoding="utf-8")
    code, text = run("--golden", path, "--left", "native", "--json")
    report = json.loads(text)
    assert (code, report["alike"], report["right"]["implementation"]) == (0, True, "native")


def test_a_run_that_does_not_get_to_its_end_is_no_golden_trace(tmp_path: Path) -> None:
    scenario = tmp_path / "impossible.yaml"
    scenario.write_text(
        "scenario: impossible\nactors: {ann: {}}\n"
        "steps: [{ann: join, expect: [{ann: participantConnected}]}]\n",
        encoding="utf-8",
    )
    code, _ = run(scenario, "--record", tmp_path / "trace.jsonl", "--within", 0.2)
    assert code == 1


def test_two_traces_are_compared_and_the_repro_is_the_beginning(tmp_path: Path) -> None:
    trace = Trace.read(GOLDEN)
    at = next(at for at, one in enumerate(trace.entries) if one.step == 2 and one.awaited)
    with_entries(trace, lambda all_: all_.pop(at)).write(tmp_path / "other.jsonl")
    repro = tmp_path / "repro.yaml"
    code, text = run(GOLDEN, tmp_path / "other.jsonl", "--repro", repro)
    assert code == 1
    assert "participantConnected of ben is missing" in text
    cut = find_scenario(str(repro))
    assert cut.steps == find_scenario("join-leave").steps[:2]


def test_traces_of_a_program_of_ones_own_have_no_scenario(tmp_path: Path) -> None:
    story_trace().write(tmp_path / "one.jsonl")
    story_trace("native", "c").write(tmp_path / "two.jsonl")
    assert run(tmp_path / "one.jsonl", tmp_path / "two.jsonl", "--json")[0] == 0
    repro = ("--repro", tmp_path / "repro.yaml", "--json")
    code, text = run(tmp_path / "one.jsonl", tmp_path / "two.jsonl", *repro)
    assert (code, "of none that is known" in text) == (2, True)


def test_a_trace_that_ends_early_is_different(tmp_path: Path) -> None:
    trace = with_entries(Trace.read(GOLDEN), lambda all_: all_.__delitem__(slice(4, None)))
    trace.write(tmp_path / "killed.jsonl")
    code, text = run(GOLDEN, tmp_path / "killed.jsonl")
    assert (code, text.split()[0]) == (1, "different")


def test_a_message_of_half_a_pair_of_surrogates_is_drawn(tmp_path: Path) -> None:
    sent = event(4, "trackMessage", "half \ud83d")
    with_entries(story_trace(), lambda all_: all_.append(sent)).write(tmp_path / "one.jsonl")
    traces = tmp_path / "one.jsonl", tmp_path / "one.jsonl"
    assert run(*traces, "--html", tmp_path / "one.html")[0] == 0
    assert "half \\ud83d" in (tmp_path / "one.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give a scenario"),
        (("nothing",), "There is no scenario 'nothing'"),
        (("join-leave", "--left", "semaphore"), "There is no implementation"),
        (("join-leave", "--left", "page", "--chromium", "brave"), "There is no brave"),
        (("one.jsonl", "two.jsonl"), "one.jsonl"),
        (("--golden", "one.jsonl"), "one.jsonl"),
        # What would be ignored.
        (("one.jsonl",), "Give a second trace"),
        (("one.jsonl", "two.jsonl", "--golden", "three.jsonl"), "without a run"),
        (("join-leave", "--golden", "one.jsonl", "--right", "native"), "no --right"),
        (("join-leave", "--record", "one.jsonl", "--html", "one.html"), "--record only runs"),
        (("--url", "http://127.0.0.1:9", "--config", "nothing.toml", "join-leave"), "nothing.toml"),
    ],
)
def test_wrong_usage_is_2_and_says_what(arguments: tuple[str, ...], message: str) -> None:
    code, text = run(*arguments, "--json")
    assert code == 2
    assert message in json.loads(text)["message"]


def test_a_service_that_does_not_answer_is_3(monkeypatch: pytest.MonkeyPatch) -> None:
    url = ("--url", "http://127.0.0.1:9")
    code, text = run("join-leave", *url)
    assert code == 3
    assert "TWILIO_API_KEY_SID" in text
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC1")
    monkeypatch.setenv("TWILIO_API_KEY_SID", "SK1")
    monkeypatch.setenv("TWILIO_API_KEY_SECRET", "secret")
    code, text = run("join-leave", *url)
    assert (code, "does not answer" in text) == (3, True)
