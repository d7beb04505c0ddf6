from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import CallingError, InvalidArgumentError
from acs_core.service.admission import NameOf, check_name, is_sid, parse_guid


@pytest.mark.parametrize(
    ("what", "too_long", "wrong"),
    [(NameOf.ROOM, 53101, 53102), (NameOf.PARTICIPANT, 53201, 53202), (NameOf.TRACK, 53302, 53303)],
)
def test_each_kind_of_name_has_its_codes(what: NameOf, too_long: int, wrong: int) -> None:
    for name, code in (("xxxx", too_long), ("\n", wrong), ("a\x7f", wrong), ("\ud83d", wrong)):
        with pytest.raises(CallingError) as caught:
            check_name(what, name, 3)
        assert caught.value.sub_code == code
    for name in ("", "xxx", "é 😀", "日本語"):
        check_name(what, name, 3)


def test_an_sid_is_a_prefix_and_32_lower_case_hex_digits() -> None:
    assert is_sid("RM" + "0a" * 16)
    assert is_sid("MT" + "f" * 32, "MT")
    for text in ("", "RM", "0a" * 16, "RM" + "0A" * 16, "RM" + "0a" * 15, "RMRM" + "0a" * 15):
        assert not is_sid(text)


@given(st.text())
def test_a_group_id_is_a_guid_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidArgumentError):
        assert len(parse_guid(text)) == 36
