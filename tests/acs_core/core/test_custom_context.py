from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core.core.custom_context import (
    CustomContext,
    Header,
    check_context,
    sip_headers_of,
)
from acs_core.errors import InvalidArgumentError

SIP = string.ascii_letters + string.digits + "=;.!%*_+~-"


def sip(*pairs: tuple[str, str]) -> CustomContext:
    return CustomContext(sip_headers=tuple(Header(key=key, value=value) for key, value in pairs))


def voip(*pairs: tuple[str, str]) -> CustomContext:
    return CustomContext(voip_headers=tuple(Header(key=key, value=value) for key, value in pairs))


def numbered(count: int) -> list[tuple[str, str]]:
    return [(f"k{number}", "v") for number in range(count)]


def refusal_of(context: CustomContext) -> InvalidArgumentError | None:
    try:
        check_context(context)
    except InvalidArgumentError as error:
        return error
    return None


@pytest.mark.parametrize(
    "context",
    [
        CustomContext(),
        CustomContext(user_to_user="a" * 256),
        sip(*numbered(5)),
        sip(("k" * 52, "v" * 256)),
        sip(("X-MS-Custom-" + "k" * 52, "")),
        voip(*numbered(1000)),
        voip(("k k/" * 16, "any thing\n" * 100)),
    ],
)
def test_what_is_within_the_limits_is_taken(context: CustomContext) -> None:
    assert refusal_of(context) is None


@pytest.mark.parametrize(
    "context",
    [
        CustomContext(user_to_user="a" * 257),
        CustomContext(user_to_user="two words"),
        sip(*numbered(6)),
        sip(("", "v")),
        sip(("k" * 53, "v")),
        sip(("a:b", "v")),
        sip(("k", "v" * 257)),
        sip(("k", "v\r\nVia: x")),
        sip(("k", "v"), ("K", "w")),
        sip(("k", "v"), ("X-MS-Custom-K", "w")),
        voip(*numbered(1001)),
        voip(("k" * 65, "v")),
        voip(("k", "v" * 1025)),
    ],
)
def test_what_breaks_a_limit_is_refused(context: CustomContext) -> None:
    refusal = refusal_of(context)
    assert refusal is not None
    assert refusal.code == 400
    assert refusal.next_step


def test_telephones_get_sip_headers_with_their_prefix() -> None:
    context = CustomContext(
        user_to_user="u",
        sip_headers=(Header(key="a", value="1"), Header(key="x-ms-custom-b", value="2")),
        voip_headers=(Header(key="c", value="3"),),
    )
    assert sip_headers_of(context) == (
        ("User-To-User", "u"),
        ("X-MS-Custom-a", "1"),
        ("x-ms-custom-b", "2"),
    )
    assert not context.is_empty
    assert CustomContext().is_empty


@given(st.text(), st.text(alphabet=SIP, max_size=300))
def test_no_header_that_is_taken_ends_a_line(key: str, value: str) -> None:
    context = sip((key, value))
    try:
        check_context(context)
    except InvalidArgumentError:
        return
    for name, text in sip_headers_of(context):
        assert f"{name}{text}".isascii()
        assert not set(name + text) & set("\r\n: ")
