"""A promise without its test is noticed, and so is a test that is not there or has not passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from mapping import load
from mapping.concepts import load_concepts
from mapping.differences import load_differences
from mapping.load import MappingDataError
from mapping.model import Parity, Row, Vendor
from mapping.proofs import check_proofs, passed_tests

PROOF: Final = "tests/mapping/test_proofs.py::test_a_report_says_which_tests_passed"

REPORT = """<?xml version="1.0"?>
<testsuites><testsuite>
<testcase classname="tests.a.test_b" name="test_good"/>
<testcase classname="tests.a.test_b" name="test_each[1]"/>
<testcase classname="tests.a.test_b" name="test_each[2]"><failure message="no"/></testcase>
<testcase classname="tests.a.test_b" name="test_left_out"><skipped/></testcase>
</testsuite></testsuites>
"""


def _name() -> Row:
    found = load.row_of(Vendor.TWILIO_VIDEO, "Room.name")
    assert found is not None
    return found


NAME: Final = _name()


def test_full_needs_a_test_of_that_column() -> None:
    promised = replace(NAME, parity={"compat": Parity.FULL}, proofs={})
    problem = "twilio-video Room.name: compat is full, and no test shows it"
    assert check_proofs([promised]) == [problem]
    both = {"js": Parity.FULL, "compat": Parity.FULL}
    elsewhere = replace(promised, parity=both, proofs={"js": (PROOF,)})
    assert check_proofs([elsewhere]) == [problem]
    assert check_proofs([replace(promised, proofs={"compat": (PROOF,)})]) == []


@pytest.mark.parametrize("promised", [{}, {"js": Parity.NO}])
def test_a_test_of_a_column_that_promises_nothing_is_a_problem(
    promised: dict[str, Parity],
) -> None:
    problem = "twilio-video Room.name: js promises nothing, and a test is named for it"
    assert check_proofs([replace(NAME, parity=promised, proofs={"js": (PROOF,)})]) == [problem]


def test_a_test_that_does_not_exist_is_a_problem() -> None:
    helper = "tests/mapping/test_proofs.py::_name"
    for test in (helper, "tests/mapping/test_proofs.py::test_nothing", "tests/none.py::test_none"):
        promised = replace(NAME, proofs={"js": (test,)}, parity={"js": Parity.FULL})
        assert check_proofs([promised]) == [f"twilio-video Room.name: there is no test {test}"]


def test_a_test_that_did_not_pass_is_a_problem() -> None:
    promised = replace(NAME, proofs={"js": (PROOF,)}, parity={"js": Parity.FULL})
    told = (*load.errors(), *load_differences(), *load_concepts().call_types)
    others = frozenset(test for one in told for test in one.proof)
    assert check_proofs([promised], passed=others | {PROOF}) == []
    (wrong,) = check_proofs([promised], passed=others)
    assert wrong == f"twilio-video Room.name: {PROOF} did not pass in this run"
    lost = {one.partition(":")[0] for one in check_proofs([], passed=frozenset())}
    assert {"error 53304", "difference connect", "call pstn"} <= lost


def test_a_report_says_which_tests_passed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    assert passed_tests(report) == {"tests/a/test_b.py::test_good"}


@pytest.mark.parametrize("text", ["", "<testsuite>"])
def test_what_is_no_report_is_an_error(tmp_path: Path, text: str) -> None:
    report = tmp_path / "report.xml"
    report.write_text(text, encoding="utf-8")
    with pytest.raises(MappingDataError, match=r"report.xml: it is no report of tests"):
        passed_tests(report)
