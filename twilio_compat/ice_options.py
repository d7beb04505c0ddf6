"""The options that say how media finds its way: STUN and TURN servers, and whether to relay.

They may stand in `connect`'s options or in `rtcConfiguration`, as twilio-video.js has both; servers
named here are used instead of those that the service names.

Source: W3C WebRTC 1.0 section 4.2 (`RTCConfiguration`); RFC 7064 and RFC 7065 for the URLs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from acs_core.models import IceServer, IceTransportPolicy, NetworkConfiguration, TurnConfiguration
from twilio_compat.option_bags import NO_NAMES, merge, optional

__all__ = ["read_network"]

_log = logging.getLogger(__name__)

_SERVER_KEYS: Final = frozenset({"urls", "url", "username", "credential"})
_SERVER_IGNORED: Final = frozenset({"credential_type"})
_CONFIGURATION_KEYS: Final = frozenset({"ice_servers", "ice_transport_policy"})
_CONFIGURATION_UNUSED: Final = {
    "bundle_policy": "Everything goes over one connection.",
    "certificates": "A certificate is made for each program.",
    "ice_candidate_pool_size": "Candidates are gathered when they are needed.",
    "rtcp_mux_policy": "RTCP is always multiplexed.",
}


def read_network(values: Mapping[str, Any]) -> NetworkConfiguration:
    """Read `ice_servers`, `ice_transport_policy` and `rtc_configuration`; the first two win.

    Also `enable_dscp` and its older name `dscp_tagging`.

    Raises:
        TypeError: Of the wrong type, or an unknown key.
        ValueError: Not one of the values that there are.
    """
    configuration = merge(
        "options.rtcConfiguration",
        values.get("rtc_configuration"),
        {},
        _CONFIGURATION_KEYS,
        NO_NAMES,
        _CONFIGURATION_UNUSED,
    )
    chosen = {**configuration, **{key: values[key] for key in _CONFIGURATION_KEYS & values.keys()}}
    servers = _servers(chosen.get("ice_servers"))
    policy = chosen.get("ice_transport_policy")
    try:
        transport_policy = IceTransportPolicy("all" if policy is None else policy)
    except ValueError:
        names = ", ".join(IceTransportPolicy)
        raise ValueError(f"options.iceTransportPolicy must be one of {names}") from None
    return NetworkConfiguration(
        turn=TurnConfiguration(servers) if servers else None,
        ice_transport_policy=transport_policy,
        is_dscp_enabled=_is_dscp_enabled(values),
    )


def _servers(value: object) -> tuple[IceServer, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError("options.iceServers must be an Array")
    return tuple(_server(item) for item in value)


def _server(value: object) -> IceServer:
    name = "options.iceServers"
    values = merge(name, value, {}, _SERVER_KEYS, _SERVER_IGNORED, NO_NAMES)
    urls = values.get("urls", values.get("url"))
    found = (urls,) if isinstance(urls, str) else urls
    if not isinstance(found, Sequence) or not all(isinstance(url, str) for url in found):
        raise TypeError(f"{name}.urls must be a string or an Array of strings")
    if not found:
        raise ValueError(f"{name}.urls must not be empty")
    return IceServer(
        urls=tuple(found),
        username=optional(values, "username", str) or "",
        credential=optional(values, "credential", str) or "",
    )


def _is_dscp_enabled(values: Mapping[str, Any]) -> bool:
    given = [values[key] for key in ("enable_dscp", "dscp_tagging") if key in values]
    if not all(isinstance(one, bool) for one in given):
        raise TypeError("enableDscp must be a boolean")
    return any(given)
