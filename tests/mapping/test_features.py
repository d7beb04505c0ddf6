from __future__ import annotations

from pathlib import Path

import pytest

from mapping.features import Feature, Status, find_marks, load_features, prove, render


def feature(row: str) -> Feature:
    return Feature(row, "acs", row.split("-")[0], "api", f"what {row}", "criterion")


A, B = feature("AREA-001"), feature("AREA-002")


def test_every_row_has_its_own_id_and_a_criterion() -> None:
    features = load_features()
    assert len({item.id for item in features}) == len(features) == 395
    assert all(item.acceptance and item.id.startswith(f"{item.area}-") for item in features)


def test_marked_rows_are_proved_and_others_say_why_not() -> None:
    marks = {"AREA-001": ["tests/b.py::test_b", "tests/a.py::test_a"]}
    proved, missing = prove([A, B], marks, {"not": {"AREA-002": "later"}})
    assert (proved.status, proved.tests) == (
        Status.PROVED,
        ("tests/a.py::test_a", "tests/b.py::test_b"),
    )
    assert (missing.status, missing.reason) == (Status.NOT, "later")


@pytest.mark.parametrize(
    ("marks", "reasons", "said"),
    [
        ({"AREA-009": ["t"]}, {"not": {"AREA-001": "x"}}, "AREA-009: no such row"),
        ({"AREA-001": ["t"]}, {"not": {"AREA-001": "x"}}, "AREA-001: not proved"),
        ({}, {"partly": {"AREA-001": "x"}}, "AREA-001: proved in part"),
        ({}, {}, "AREA-001: no test"),
    ],
)
def test_contradictions_are_refused(
    marks: dict[str, list[str]], reasons: dict[str, dict[str, str]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        prove([A], marks, reasons)


def test_marks_are_found_where_they_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "some"
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.feature('AREA-001', 'AREA-002')\nasync def test_x(): ...\n"
    )
    where = "tests/some/test_it.py::test_x"
    assert find_marks(tmp_path / "tests") == {"AREA-001": [where], "AREA-002": [where]}


def test_a_table_says_how_a_row_is_proved() -> None:
    marks = {"AREA-001": ["tests/a.py::test_a"]}
    text = render(prove([A, B], marks, {"not": {"AREA-002": "a | b"}}))
    assert "| acs | 2 | 1 | 0 | 1 |" in text
    assert "| AREA-001 | acs | what AREA-001 | proved | `a.py::test_a` |" in text
    assert "| AREA-002 | acs | what AREA-002 | not | a \\| b |" in text
