from __future__ import annotations

import pytest

from acs_core.core.real_time_text import TEXT_LIMIT, check_text
from acs_core.errors import InvalidArgumentError


@pytest.mark.parametrize("text", ["", "a", "ä" * TEXT_LIMIT])
def test_messages_up_to_the_limit_are_taken(text: str) -> None:
    assert check_text(text) is None


def test_a_longer_message_is_refused_with_acs_code() -> None:
    with pytest.raises(InvalidArgumentError, match="2001") as error:
        check_text("x" * (TEXT_LIMIT + 1))
    assert (error.value.code, error.value.sub_code) == (400, 46552)
