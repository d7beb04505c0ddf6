"""The configuration of a coturn server for this service; pure.

A TURN server sends what its users like to where they like, from inside the network that it stands
in. So it relays UDP only, for credentials of the service only, to addresses of the public internet
only, and so much per user; the addresses of the service itself are the exception.

Source: coturn 4.6, `turnserver.conf`; the IANA special-purpose address registries (RFC 6890) for
what is not the public internet.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from acs_core.errors import InvalidArgumentError, Stage

__all__ = ["DENIED_PEERS", "CoturnConfig"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
DENIED_PEERS: Final = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    *LOOPBACK,
    # Link-local, with the metadata services of clouds at 169.254.169.254.
    "169.254.0.0/16",
    # Azure's virtual public address of the host, from which virtual machines take their secrets.
    "168.63.129.16/32",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    # Not "::", which coturn takes for every address there is; it denies that one by itself.
    # IPv4 in IPv6, by which the ranges above could be reached.
    "::ffff:0:0/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2001::/32",
    "2002::/16",
    "100::/64",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
)
"""Networks that nothing is relayed to."""

_WORD: Final = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class CoturnConfig:
    """What a coturn server is told.

    Attributes:
        public_address: Where clients reach the server; relaying to it is allowed, because two
            clients of one server meet there.
        secret: The service's `turn_secret`.
        realm: Shown to clients; any name.
        media_addresses: Where the service's media port is, if elsewhere; relaying there is allowed.
        listening_address: The interface; None: all of them. Behind one-to-one NAT the private
            address, which the public one is then mapped to.
        port: UDP and TCP port of the server.
        relay_ports: First and last UDP port of relays, which the firewall must let in.
        user_quota: Allocations that one user may have at a time. In a room without SFU a client
            has some to each other participant.
        total_quota: Allocations that all users may have.
        is_loopback_allowed: Relay to this machine; for tests only.
    """

    public_address: Address
    secret: str = field(repr=False)
    realm: str = "twilio-compat"
    media_addresses: tuple[Address, ...] = ()
    listening_address: Address | None = None
    port: int = 3478
    relay_ports: tuple[int, int] = (49152, 65535)
    user_quota: int = 64
    total_quota: int = 1200
    is_loopback_allowed: bool = False

    def __post_init__(self) -> None:
        """Check what would end up in another line of the file.

        Raises:
            InvalidArgumentError: The secret or the realm cannot be written there, or the ports are
                none.
        """
        first, last = self.relay_ports
        if not 0 < self.port <= 65535 or not 1024 <= first <= last <= 65535:
            raise _refused("These are no ports.", "Use 1 to 65535; 1024 and above for relays.")
        for name, text in (("secret", self.secret), ("realm", self.realm)):
            if not _WORD.fullmatch(text):
                raise _refused(
                    f"The {name} cannot be written to a configuration file.",
                    "Use 1 to 255 visible ASCII characters, without spaces.",
                )

    @property
    def turn_url(self) -> str:
        """The service's `turn_url` for this server."""
        host = str(self.public_address)
        if self.public_address.version == 6:
            host = f"[{host}]"
        return ",".join(f"turn:{host}:{self.port}?transport={kind}" for kind in ("udp", "tcp"))

    def text(self) -> str:
        """The file."""
        first, last = self.relay_ports
        lines = [
            "# coturn for twilio-compat; holds a secret, let only turnserver read it.",
            f"listening-port={self.port}",
            *self._addresses(),
            f"min-port={first}",
            f"max-port={last}",
            "fingerprint",
            "",
            "# Only users whom the service gave credentials.",
            "use-auth-secret",
            f"static-auth-secret={self.secret}",
            f"realm={self.realm}",
            "stale-nonce=600",
            "max-allocate-lifetime=3600",
            f"user-quota={self.user_quota}",
            f"total-quota={self.total_quota}",
            "",
            "# Nothing that clients of the service do not need.",
            "no-cli",
            "no-tls",
            "no-dtls",
            "no-tcp-relay",
            "no-rfc5780",
            "no-stun-backward-compatibility",
            "no-software-attribute",
            "simple-log",
            "log-file=stdout",
            "",
            "# Only to the public internet and to the service.",
            *self._peers(),
        ]
        return "\n".join(lines) + "\n"

    def _addresses(self) -> list[str]:
        listening = self.listening_address
        if listening is None:
            return [f"external-ip={self.public_address}"]
        lines = [f"listening-ip={listening}", f"relay-ip={listening}"]
        if listening != self.public_address:
            lines.append(f"external-ip={self.public_address}/{listening}")
        return lines

    def _peers(self) -> list[str]:
        denied = [
            network
            for network in DENIED_PEERS
            if not (self.is_loopback_allowed and network in LOOPBACK)
        ]
        # coturn denies peers on the loopback interface by itself, since 4.5.2 unless told so.
        lines = ["no-multicast-peers"]
        if self.is_loopback_allowed:
            lines.append("allow-loopback-peers")
        allowed = [self.public_address, *self.media_addresses]
        if self.listening_address is not None:
            allowed.append(self.listening_address)
        # Loopback addresses are allowed in one way only.
        outside = [str(address) for address in allowed if not address.is_loopback]
        lines += [f"allowed-peer-ip={address}" for address in dict.fromkeys(outside)]
        return lines + [f"denied-peer-ip={_range(network)}" for network in denied]


def _range(network: str) -> str:
    parsed = ipaddress.ip_network(network)
    if parsed.num_addresses == 1:
        return str(parsed[0])
    return f"{parsed[0]}-{parsed[-1]}"


def _refused(message: str, next_step: str) -> InvalidArgumentError:
    return InvalidArgumentError(message, stage=Stage.ARGUMENT, next_step=next_step)
