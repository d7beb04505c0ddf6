from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acs_core import (
    AccessKeyCredential,
    AuthenticationError,
    InvalidArgumentError,
    parse_connection_string,
    signed_headers,
)
from acs_core.signed_request import CLOCK_SKEW, check_signature

KEY = b"k" * 32
CREDENTIAL = AccessKeyCredential(base64.b64encode(KEY).decode())
NOW = 1_800_000_000.0
URL = "http://127.0.0.1:7780/identities/8%3Aacs%3Ar_u/:issueAccessToken?api-version=2023-10-01"
TARGET = URL.removeprefix("http://127.0.0.1:7780")


def check(
    headers: dict[str, str], *, now: float = NOW, body: bytes = b"{}", **changes: str
) -> None:
    received = {"Host": "127.0.0.1:7780"} | headers
    asked = {"method": "POST", "target": TARGET} | changes
    signed = check_signature(KEY, asked["method"], asked["target"], received, now=now)
    signed.check_body(body)


@given(st.binary(max_size=64), st.sampled_from([URL, "http://127.0.0.1:7780/identities"]))
def test_what_one_end_signs_the_other_believes(body: bytes, url: str) -> None:
    headers = signed_headers(CREDENTIAL, "POST", url, body, now=NOW)
    check(headers, body=body, target=url.removeprefix("http://127.0.0.1:7780"))
    with pytest.raises(AuthenticationError, match="body"):
        check(headers, body=body + b"x", target=url.removeprefix("http://127.0.0.1:7780"))


def test_a_path_may_be_signed_decoded_and_a_host_with_a_slash() -> None:
    decoded = signed_headers(CREDENTIAL, "POST", URL.replace("%3A", ":"), b"{}", now=NOW)
    check(decoded)
    with pytest.raises(AuthenticationError):
        check(decoded, target=TARGET.replace("_u", "_v"))


def test_a_path_may_be_sent_less_encoded_than_it_was_signed() -> None:
    target = "/calling/callConnections/c/participants/8%3Aacs%3Ar_u?api-version=2026-03-12"
    url = f"http://127.0.0.1:7780{target}"
    headers = signed_headers(CREDENTIAL, "POST", url, b"{}", now=NOW)
    check(headers, target=target.replace("%3A", ":"))
    with pytest.raises(AuthenticationError, match="signature"):
        check(headers, target=target.replace("%3A", ":").replace("r_u", "r_v"))


def test_a_request_that_is_old_or_from_the_future_is_refused() -> None:
    headers = signed_headers(CREDENTIAL, "POST", URL, b"{}", now=NOW)
    check(headers, now=NOW + CLOCK_SKEW)
    for now in (NOW + CLOCK_SKEW + 1, NOW - CLOCK_SKEW - 1):
        with pytest.raises(AuthenticationError, match="clocks"):
            check(headers, now=now)


@pytest.mark.parametrize(
    "changes", [{"method": "DELETE"}, {"target": "/identities"}, {"target": f"{TARGET}&x=1"}]
)
def test_what_was_changed_on_the_way_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(AuthenticationError, match="signature"):
        check(signed_headers(CREDENTIAL, "POST", URL, b"{}", now=NOW), **changes)


def test_other_keys_and_other_hosts_are_refused() -> None:
    other = AccessKeyCredential(base64.b64encode(b"o" * 32).decode())
    with pytest.raises(AuthenticationError, match="signature"):
        check(signed_headers(other, "POST", URL, b"{}", now=NOW))
    with pytest.raises(AuthenticationError, match="signature"):
        check(signed_headers(CREDENTIAL, "POST", URL, b"{}", now=NOW) | {"Host": "example.com"})


ANY_TEXT = st.text(st.characters(codec=None))


@given(st.dictionaries(st.sampled_from(["Authorization", "x-ms-date", "Host"]), ANY_TEXT))
def test_nonsense_in_headers_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(AuthenticationError):
        check(headers)


def test_a_connection_string_gives_endpoint_and_key_and_hides_the_key() -> None:
    text = f"Endpoint=https://acs.example/;AccessKey={CREDENTIAL.key};"
    found = parse_connection_string(text)
    assert (found.endpoint, found.credential) == ("https://acs.example", CREDENTIAL)
    assert CREDENTIAL.key not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "endpoint=https://acs.example",
        f"endpoint=acs.example;accesskey={CREDENTIAL.key}",
        f"endpoint=http://[;accesskey={CREDENTIAL.key}",
        "endpoint=https://acs.example;accesskey=?",
        f"endpoint=https://a;endpoint=https://b;accesskey={CREDENTIAL.key}",
        f"endpoint=https://a;accesskey={CREDENTIAL.key};x=y",
    ],
)
def test_what_is_no_connection_string_is_refused_without_the_key(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="connection string") as error:
        parse_connection_string(text)
    assert CREDENTIAL.key not in str(error.value)
