from __future__ import annotations

import ipaddress
import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from acs_core.errors import InvalidArgumentError, ServiceError
from acs_core.service.webhooks.guard import (
    DEV_NETWORKS,
    GuardedResolver,
    TargetGuard,
    target_of,
)

STRICT = TargetGuard()
DEV = TargetGuard(DEV_NETWORKS)

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1.1.1.1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
REACHED = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
REACHED += ["64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", REFUSED)
def test_addresses_that_are_not_global_are_refused(address: str) -> None:
    assert not STRICT.allows(address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidArgumentError):
        STRICT.check(f"https://{host}/hook")


@pytest.mark.parametrize("address", REACHED)
def test_global_addresses_are_reached_with_tls_only(address: str) -> None:
    assert STRICT.allows(address)
    assert not STRICT.allows(address, is_plain=True)
    host = f"[{address}]" if ":" in address else address
    STRICT.check(f"https://{host}/hook")


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_refused(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        mapped = getattr(address, "ipv4_mapped", None)
        nat64 = address in ipaddress.ip_network("64:ff9b::/96")
        assert mapped is not None or nat64 or not STRICT.allows(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_an_ipv6_address_is_what_it_is(address: ipaddress.IPv4Address) -> None:
    for text in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert STRICT.allows(text) is STRICT.allows(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "0177.0.0.1",
        "1.1",
        "127.0.0.1.",
    ],
)
def test_odd_spellings_of_addresses_are_refused(host: str) -> None:
    with pytest.raises(InvalidArgumentError):
        STRICT.check(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/relative",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "http://example.com/",
        "https://",
        "https:///path",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:22/",
        "https://example.com:25/",
        "https://localhost/",
        "https://a.localhost./",
        "https://exam ple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com\\@127.0.0.1/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://user:x@127.0.0.1/",
        "https://example.com/" + "x" * 2048,
    ],
)
def test_unusable_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        STRICT.check(url)
    assert "https" in caught.value.next_step


@given(st.text(max_size=60), st.sampled_from(["", "https://", "http://", "https://["]))
def test_any_text_is_a_target_or_refused(text: str, prefix: str) -> None:
    try:
        url = STRICT.check(prefix + text)
    except InvalidArgumentError:
        return
    assert url.scheme == "https"
    assert str(target_of(str(url))) == str(url)


def test_a_url_is_spelled_as_it_is_sent() -> None:
    assert str(target_of("https://Example.com")) == "https://example.com/"
    assert str(target_of("https://example.com?x=1")) == "https://example.com/?x=1"
    assert str(target_of("https://example.com/ä?x=b%20c#top")) == (
        "https://example.com/%C3%A4?x=b%20c"
    )
    STRICT.check("https://hooks.example.com:8443/x")


def test_a_developer_reaches_this_machine_and_no_metadata() -> None:
    for url in ("http://127.0.0.1:8080/", "http://localhost:3000/", "http://[::1]:99/"):
        if ":99/" in url:
            with pytest.raises(InvalidArgumentError):
                DEV.check(url)
        else:
            DEV.check(url)
    DEV.check("http://10.1.2.3/")
    DEV.check("http://some.name/")
    for address in ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe"):
        assert not DEV.allows(address)


def test_networks_are_reached_when_they_are_named_and_only_they() -> None:
    guard = TargetGuard([ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd01::/16")])
    assert guard.allows("10.1.2.3", is_plain=True)
    assert guard.allows("fd01::5", is_plain=True)
    assert not guard.allows("10.2.0.1")
    assert not guard.allows("127.0.0.1")
    assert not guard.allows("1.1.1.1", is_plain=True)
    exact = TargetGuard([ipaddress.ip_network("169.254.169.254/32")])
    assert exact.allows("169.254.169.254")


class Answers(AbstractResolver):
    """Resolves every name to these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def test_of_a_names_addresses_only_allowed_ones_are_left() -> None:
    resolver = GuardedResolver(Answers("10.0.0.1", "1.1.1.1"), STRICT, is_plain=False)
    assert [result["host"] for result in await resolver.resolve("a.example", 443)] == ["1.1.1.1"]
    await resolver.close()


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:127.0.0.1", "fe80::1%2", "nonsense"])
async def test_a_name_that_leads_nowhere_else_is_refused(address: str) -> None:
    resolver = GuardedResolver(Answers(address), STRICT, is_plain=False)
    with pytest.raises(ServiceError, match="must not reach"):
        await resolver.resolve("a.example", 443)
