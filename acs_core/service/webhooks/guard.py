"""Where webhooks may go: no way for who names a URL to reach what only this machine can reach.

Theory of operation. URLs come from clients of the REST APIs; requests to them leave from inside the
operator's network (server-side request forgery). Hence

* schemes and ports are checked, and what a literal address says, as soon as a URL is given;
* names are resolved for each attempt, and only addresses that may be reached are handed to the
  connection: the address that was checked is the address that is connected to, and an answer that
  changes in between (DNS rebinding) changes nothing;
* plain http is for the operator's own networks only.

What may be reached is global unicast, and the networks that the operator names.

Source: the special-purpose registries of IANA (RFC 6890); RFC 6052 for NAT64; OWASP, "Server-Side
Request Forgery Prevention".
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from acs_core.errors import InvalidArgumentError, ServiceError, Stage

__all__ = ["DEV_NETWORKS", "GuardedResolver", "TargetGuard", "target_of"]

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LONGEST_URL: Final = 2048
PORTS: Final = frozenset({80, 443})
"""Of the ports below 1024; the others belong to mail, shells, file shares and the like."""

DEV_NETWORKS: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1", "fc00::/7")
)
"""Reached from a developer's machine without being named: loopback and private networks."""

METADATA: Final[frozenset[Address]] = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "168.63.129.16",  # Azure
        "100.100.100.200",  # Alibaba
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
        "fd00:c1::a9fe:a9fe",  # Oracle
    )
)
"""Where clouds hand out credentials to their machines; not all of it is link-local."""

_SPECIAL: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4: any IPv4 address inside
        "3fff::/20",
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")


def target_of(text: str) -> URL:
    """A URL as it is sent: an absolute path, no fragment, everything quoted.

    Raises:
        InvalidArgumentError: It is no absolute http or https URL, or too long.
    """
    if len(text) > LONGEST_URL:
        raise _unusable(f"is longer than {LONGEST_URL} characters.")
    _check_letters(text)
    try:
        url = URL(text)
        port = url.port
    except ValueError:
        raise _unusable("cannot be read.") from None
    if url.scheme not in ("http", "https") or not url.host or not port:
        raise _unusable("is no absolute http or https URL.")
    url = url.with_fragment(None)
    # Without a path, "/" is sent, and so it is what receivers see and check signatures with.
    target = URL(f"{url}/", encoded=True) if str(url).count("/") == 2 else url
    # Some letters of a host are spelled as others, which may be among them.
    _check_letters(str(target))
    return target


def _check_letters(text: str) -> None:
    if any(letter <= " " or letter in "\\\x7f" for letter in text):
        raise _unusable("has spaces, control characters or backslashes in it.")


class TargetGuard:
    """Knows which targets are refused.

    Args:
        networks: May be reached although they are not global, and without TLS.
    """

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def check(self, text: str) -> URL:
        """Refuse a URL as far as that is known without resolving its name.

        Returns:
            It, as it is sent.

        Raises:
            InvalidArgumentError: It cannot be used, or leads where webhooks must not go.
        """
        url = target_of(text)
        is_plain = url.scheme == "http"
        if is_plain and not self._networks:
            raise _unusable("is not https.")
        if url.port is not None and url.port < 1024 and url.port not in PORTS:
            raise _unusable(f"has port {url.port}, where no web server is.")
        host = url.host or ""
        address = _literal(host)
        if address is None:
            name = host.rstrip(".").lower()
            is_local = name == "localhost" or name.endswith(".localhost")
            address = IPv4Address("127.0.0.1") if is_local else None
        if address is not None and not self.allows(address, is_plain=is_plain):
            raise _unusable(f"leads to {address}, which webhooks must not reach.")
        return url

    def allows(self, address: Address | str, *, is_plain: bool = False) -> bool:
        """Whether an address may be connected to.

        Args:
            address: Numeric; a zone is passed over.
            is_plain: Without TLS.
        """
        if isinstance(address, str):
            try:
                address = ipaddress.ip_address(address.partition("%")[0])
            except ValueError:
                return False
        address = _embedded(address)
        is_named = any(address in network for network in self._networks)
        # Credentials of the machine are no webhook's business unless this very address is named.
        if address in METADATA:
            return any(
                network.num_addresses == 1 for network in self._networks if address in network
            )
        return is_named or (not is_plain and _is_global(address))


class GuardedResolver(AbstractResolver):
    """Resolves names to addresses that may be connected to.

    Args:
        resolver: Asked for all addresses.
        guard: Knows which ones may be.
        is_plain: Whether the connections are without TLS.
    """

    def __init__(self, resolver: AbstractResolver, guard: TargetGuard, *, is_plain: bool) -> None:
        self._resolver = resolver
        self._guard = guard
        self._is_plain = is_plain

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name that may be connected to.

        Raises:
            ServiceError: 403, there are addresses, and none may be.
            OSError: The name cannot be resolved.
        """
        found = await self._resolver.resolve(host, port, family)
        allowed = [
            result
            for result in found
            if self._guard.allows(result["host"], is_plain=self._is_plain)
        ]
        if found and not allowed:
            first = found[0]["host"]
            raise ServiceError(
                f"{host} is {first}, which webhooks must not reach"
                f"{' without TLS' if self._is_plain else ''}.",
                stage=Stage.ARGUMENT,
                next_step="Use https and a public address, or add to webhook_networks.",
            )
        return allowed

    async def close(self) -> None:
        """Close the resolver that is asked."""
        await self._resolver.close()


def _literal(host: str) -> Address | None:
    """The address that a host spells; None for a name.

    Raises:
        InvalidArgumentError: It is one in a spelling that programs disagree about.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0].rstrip("."))
    except ValueError:
        pass
    try:
        # Takes what the system's resolver takes: 127.1, 0x7f.1, 017700000001, 2130706433.
        packed = socket.inet_aton(host.rstrip("."))
    except (OSError, UnicodeError):
        return None
    raise _unusable(f"has an odd spelling of {IPv4Address(packed)}.")


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, else itself."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_global(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in network for network in _SPECIAL)


def _unusable(reason: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The URL for webhooks {reason}",
        stage=Stage.ARGUMENT,
        next_step="Give a public https URL; networks of your own go into webhook_networks.",
    )
