from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mapping.differences import (
    BEGIN,
    END,
    MATRIX_ROWS,
    Difference,
    DifferenceStatus,
    check,
    load_differences,
    put_between_marks,
    render_document,
    render_section,
)


def row(name: str = "maps", **changes: Any) -> Difference:
    values: dict[str, Any] = {
        "id": name,
        "status": DifferenceStatus.DIFFERENT,
        "twilio": "Room.participants",
        "theirs": "A map.",
        "ours": "A mapping.",
        "why": "Python | reason.",
        "since": "0.1.0",
        "proof": ("tests/test_a.py::test_it",),
        "matrix": tuple(range(1, MATRIX_ROWS + 1)),
    }
    return Difference(**(values | changes))


def test_every_row_says_everything_in_sentences() -> None:
    for item in load_differences():
        assert item.id == item.id.lower(), item.id
        for text in (item.theirs, item.ours, item.why):
            assert not text[0].islower(), text
            assert text.endswith("."), text


def test_good_rows_have_nothing_wrong() -> None:
    assert check([row()]) == []
    assert check([row(status=DifferenceStatus.ABSENT, proof=())]) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(), row()], "maps: twice"),
        ([row(proof=())], "maps: no test proves it"),
        ([row(matrix=tuple(range(2, MATRIX_ROWS + 1)))], "nobody settles 1"),
    ],
)
def test_what_is_wrong_is_said(rows: list[Difference], said: str) -> None:
    assert any(line.startswith(said) for line in check(rows))


@pytest.mark.parametrize(
    "line", ['status = "other"', 'status = "same"\nextra = 1', 'status = "same"', ""]
)
def test_a_row_that_is_none_is_refused_by_name(line: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.toml"
    path.write_text(f'[[difference]]\nid = "odd"\n{line}\n')
    with pytest.raises(ValueError, match="odd: "):
        load_differences(path)


def test_the_section_has_what_a_program_notices_and_the_document_everything() -> None:
    rows = [row(), row("same", status=DifferenceStatus.SAME, ours="No change.")]
    section, document = render_section(rows), render_document(rows)
    assert "| Room.participants | A map. | A mapping. |" in section
    assert "1 places" in section
    assert "No change." not in section
    assert "No change." in document
    assert "Python \\| reason." in document
    assert "`test_a.py::test_it`" in document


def test_what_is_between_the_marks_is_replaced() -> None:
    text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert put_between_marks(text, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="lacks the marks"):
        put_between_marks("nothing", "new")
