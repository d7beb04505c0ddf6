from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from acs_core.errors import InvalidArgumentError
from acs_core.service.app import CallingService
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.settings import ServiceSettings
from acs_core.service.turn import TURN_LIFETIME, TurnCredentials, turn_urls

URLS = ("turn:192.0.2.1:3478?transport=udp", "turns:turn.example:5349")
ANNA = Principal("8:acs:r_anna", PrincipalKind.ACS, 0.0)


def test_the_name_carries_the_expiry_and_the_password_proves_it() -> None:
    server = TurnCredentials(URLS, "s3cret", lifetime=60).issue("8:acs:anna", now=1000.9)
    assert server.urls == URLS
    assert server.username == "1060:8:acs:anna"
    digest = hmac.new(b"s3cret", b"1060:8:acs:anna", hashlib.sha1).digest()
    assert server.credential == base64.b64encode(digest).decode()


def test_the_secret_is_not_shown() -> None:
    assert "s3cret" not in repr(TurnCredentials(URLS, "s3cret"))


def test_several_uris_are_read_in_order() -> None:
    assert turn_urls(f"{URLS[0]}, {URLS[1]}") == URLS
    assert turn_urls("turn:[2001:db8::1]:3478") == ("turn:[2001:db8::1]:3478",)


@pytest.mark.parametrize("text", ["", ",", "turn:", "turn:a,", "http://a", "turn:a b", "turn:a,b"])
def test_what_is_no_turn_uri_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        turn_urls(text)
    assert caught.value.next_step


def test_the_service_hands_out_credentials_of_its_server() -> None:
    settings = ServiceSettings(turn_url=",".join(URLS), turn_secret="s3cret")
    (server,) = CallingService(settings).ice_servers(ANNA)
    assert server.urls == URLS
    assert server.username is not None
    assert server.username.endswith(f":{ANNA.raw_id}")
    assert TURN_LIFETIME >= 3600


def test_without_a_server_nothing_is_handed_out() -> None:
    assert CallingService(ServiceSettings()).ice_servers(ANNA) == ()
