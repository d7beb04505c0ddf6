from __future__ import annotations

import pytest

from acs_core import wire
from acs_core.client.handshake import error_from, websocket_url
from acs_core.errors import AuthenticationError, ServiceError, TransportError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://127.0.0.1:7780", "ws://127.0.0.1:7780/calls/ws"),
        ("https://acs.example/", "wss://acs.example/calls/ws"),
        ("acs.example:7780", "ws://acs.example:7780/calls/ws"),
        ("wss://acs.example/elsewhere", "wss://acs.example/elsewhere"),
    ],
)
def test_the_websocket_is_below_the_address_of_the_service(given: str, expected: str) -> None:
    assert websocket_url(given) == expected


def test_what_the_service_refuses_becomes_the_error_that_says_what_to_do() -> None:
    cases = [
        (401, 0, AuthenticationError),
        (403, 20104, AuthenticationError),
        (403, 53105, ServiceError),
        (503, 0, TransportError),
        (408, 0, TransportError),
    ]
    for code, sub_code, kind in cases:
        error = error_from(wire.Failed(code=code, sub_code=sub_code, message="m", next_step="n"))
        assert type(error) is kind
        assert (error.code, error.sub_code, error.next_step) == (code, sub_code, "n")
