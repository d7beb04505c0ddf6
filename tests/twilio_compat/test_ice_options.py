from __future__ import annotations

from typing import Any

import pytest

from acs_core.models import IceServer, NetworkConfiguration
from twilio_compat.ice_options import read_network


def servers(*given: object) -> tuple[IceServer, ...]:
    network = read_network({"ice_servers": list(given)})
    return () if network.turn is None else network.turn.ice_servers


def test_without_options_the_service_names_servers() -> None:
    assert read_network({}) == NetworkConfiguration()
    assert servers() == ()


def test_a_server_has_one_url_or_several() -> None:
    assert servers({"urls": "stun:a"}) == (IceServer(("stun:a",)),)
    assert servers({"url": "stun:a"}) == (IceServer(("stun:a",)),)
    assert servers({"urls": ["stun:a", "stun:b"]}) == (IceServer(("stun:a", "stun:b")),)


def test_credentials_may_say_what_they_are() -> None:
    given = {"urls": "turn:a", "username": "u", "credential": "p", "credentialType": "password"}
    assert servers(given) == (IceServer(("turn:a",), "u", "p"),)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"ice_servers": "turn:a"}, TypeError),
        ({"ice_servers": ["turn:a"]}, TypeError),
        ({"ice_servers": [{"urls": 3}]}, TypeError),
        ({"ice_servers": [{"urls": [3]}]}, TypeError),
        ({"ice_servers": [{"urls": []}]}, ValueError),
        ({"ice_servers": [{}]}, TypeError),
        ({"rtc_configuration": 3}, TypeError),
        ({"rtc_configuration": {"iceServer": []}}, TypeError),
        ({"ice_transport_policy": "none"}, ValueError),
        ({"enable_dscp": 1}, TypeError),
    ],
)
def test_what_is_no_configuration_is_refused(
    values: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        read_network(values)


def test_what_a_browser_can_do_besides_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    read_network({"rtc_configuration": {"bundlePolicy": "balanced"}})
    assert "options.rtcConfiguration.bundlePolicy has no effect here" in caplog.text
