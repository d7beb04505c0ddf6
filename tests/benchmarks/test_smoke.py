"""Each benchmark runs and gives figures; what the figures are is not asserted anywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.report import Result, Spread, as_json, percentile

ROOT = Path(__file__).parents[2]


@pytest.mark.proof
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_quick_run_gives_figures(name: str) -> None:
    command = [sys.executable, "-m", "benchmarks", name, "--quick", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=55, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["machine"]["kernel"]
    (result,) = found["results"]
    assert result["benchmark"] == name
    assert all(len(row) > 1 for row in result["rows"])
    assert result["rows"]


def test_a_spread_quotes_the_median_and_its_ends() -> None:
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2.0 (1.0-3.0)"
    assert str(Spread.of([1.234], 2)) == "1.23"


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([7.0], 0.95) == 7.0


def test_json_keeps_every_repetition() -> None:
    result = Result("x", "what", ("server", "cost"), (("ours", Spread.of([1.0, 3.0])),), ("note",))
    assert json.loads(json.dumps(as_json(result))) == {
        "benchmark": "x",
        "what": "what",
        "notes": ["note"],
        "rows": [{"server": "ours", "cost": {"median": 2.0, "values": [1.0, 3.0]}}],
    }
