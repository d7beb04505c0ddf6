from __future__ import annotations

import base64
import logging
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.client.log_tail import LINES, LogTail, redacted

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm5hIn0.c2lnbmF0dXJl_-x"


@pytest.mark.parametrize(
    "text",
    [
        f"connecting with {TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        "header Authorization: Bearer opaque-c2lnbmF0dXJl_-x",
        "turn password=c2lnbmF0dXJl_-x, user",
        'hello {"token": "c2lnbmF0dXJl_-x"}',
        "a=ice-pwd:c2lnbmF0dXJl_-x",
    ],
)
def test_secrets_are_stars(text: str) -> None:
    assert "c2lnbmF0dXJl" not in redacted(text)
    assert "***" in redacted(text)


@given(st.binary(min_size=48, max_size=64))
def test_keys_are_stars(key: bytes) -> None:
    text = base64.b64encode(key).decode()
    if any(letter.isupper() for letter in text):
        assert text not in redacted(f"key is {text}.")


def test_what_is_no_secret_stays() -> None:
    text = f"Call {secrets.token_hex(16)} of 8:acs:{secrets.token_hex(16)} ended: 408/53001"
    assert redacted(text) == text


def test_the_last_lines_are_kept_until_it_is_detached() -> None:
    logger = logging.getLogger("test_log_tail")
    logger.setLevel(logging.INFO)
    tail = LogTail(logger)
    for number in range(LINES + 5):
        logger.info("line %d with %s", number, TOKEN)
    logger.debug("below the level")
    assert len(tail.lines) == LINES
    assert tail.lines[0].endswith("INFO test_log_tail: line 5 with ***")
    tail.detach()
    logger.info("unheard")
    assert "unheard" not in tail.lines[-1]
