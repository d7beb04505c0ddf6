"""The scanner on programs written as published ones are, with labels of what they use."""

from __future__ import annotations

from benchmarks.scanning import CORPUS, score
from mapping.scan import scan


def test_scanner_finds_nearly_all_and_invents_nearly_nothing() -> None:
    result = score()
    assert result.files >= 60
    assert result.precision >= 0.98, result.invented
    assert result.recall >= 0.98, result.missed


def test_nothing_is_found_in_programs_without_the_sdks() -> None:
    program = CORPUS / "negative"
    assert sum(1 for path in program.rglob("*") if path.is_file()) >= 12
    report = scan(program)
    assert [each for file in report.files for each in file.uses] == []
    assert report.findings == []
