from __future__ import annotations

from twilio_compat.error_details import DETAILS


def test_rows_are_sentences_for_people() -> None:
    for code, row in DETAILS.items():
        assert row.code == code
        assert row.message
        assert not row.message.endswith(".")
        for text in (row.explanation, *row.causes, *row.solutions):
            assert text.endswith(".")
            assert text[0].isupper()


def test_codes_are_those_of_video_and_of_access_tokens() -> None:
    assert all(20101 <= code <= 20107 or 53000 <= code <= 53501 for code in DETAILS)
