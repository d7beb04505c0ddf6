"""Network namespaces of Linux: a participant with a network of its own, that a test takes apart.

Each namespace hangs on this machine by a pair of virtual interfaces, each pair with a subnet of its
own; the service listens on an address that stays whatever becomes of the pairs. Needs root.

Source: ip-netns(8), veth(4).
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import pytest

__all__ = ["Namespace", "Networks", "networks", "require_namespaces"]

# 198.18.0.0/15 is set aside for measurements of networks (RFC 2544). Tests in several processes at
# once have parts of their own: the first address is the service's, pairs have four each.
_OURS = ipaddress.ip_address("198.18.0.0") + 512 * (os.getpid() % 256)
_pairs = count(1)


class Namespace:
    """A network that reaches the service; its processes see nothing else."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._near: dict[str, tuple[str, str]] = {}

    async def add_link(self, link: str = "first") -> None:
        """Connect it by a pair of interfaces with new addresses; it becomes the way out."""
        number = next(_pairs) % 127
        near = f"c{number}x{os.getpid()}"[:15]
        gateway, address = (_OURS + 4 * number + offset for offset in (1, 2))
        await _ip(f"link add {near} type veth peer name {link} netns {self.name}")
        self._near[link] = near, str(gateway)
        await _ip(f"addr add {gateway}/30 dev {near}")
        await _ip(f"link set {near} up")
        await self._inside(f"addr add {address}/30 dev {link}")
        await self.set_up(link)

    async def remove_link(self, link: str = "first") -> None:
        """Take the pair and its addresses away."""
        near, _ = self._near.pop(link)
        await _ip(f"link delete {near}")

    async def set_down(self, link: str = "first") -> None:
        """Cut the cable; the address stays."""
        await self._inside(f"link set {link} down")

    async def set_up(self, link: str = "first") -> None:
        """Plug the cable in again, and route everything through it."""
        _, gateway = self._near[link]
        await self._inside(f"link set {link} up")
        await self._inside(f"route replace default via {gateway} dev {link}")

    def command(self, *arguments: str) -> tuple[str, ...]:
        """A command line that runs inside."""
        return ("ip", "netns", "exec", self.name, *arguments)

    async def close(self) -> None:
        """Remove everything; links first, as sockets that linger keep a namespace and its links."""
        for link in tuple(self._near):
            await self.remove_link(link)
        await _ip(f"netns delete {self.name}")

    async def _inside(self, arguments: str) -> None:
        await _ip(f"-n {self.name} {arguments}")


class Networks:
    """The namespaces of one test.

    Attributes:
        host: The address for its service.
    """

    def __init__(self, stack: AsyncExitStack) -> None:
        self.host = str(_OURS)
        self._stack = stack
        self._names = count(1)

    async def add(self) -> Namespace:
        """A new namespace with one link; gone after the test."""
        name = f"calls-{os.getpid()}-{next(self._names)}"
        await _ip(f"netns add {name}")
        namespace = Namespace(name)
        self._stack.push_async_callback(namespace.close)
        await namespace.add_link()
        return namespace


@asynccontextmanager
async def networks() -> AsyncIterator[Networks]:
    """Networks for one test; skips it where they cannot be made."""
    require_namespaces()
    async with AsyncExitStack() as stack:
        await _ip(f"addr add {_OURS}/32 dev lo")
        stack.push_async_callback(_ip, f"addr delete {_OURS}/32 dev lo")
        yield Networks(stack)


def require_namespaces() -> None:
    """Skip a test where no namespace can be made; fail where only a package is missing."""
    if shutil.which("ip") is None:
        reason = "there is no command ip; install iproute2"
        if os.environ.get("REQUIRE_INTEROP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # What a container does not permit cannot be installed.
    refused = _refusal()
    if refused is not None:
        pytest.skip(refused)


def _refusal() -> str | None:
    """Why this machine does not let us make networks; None when it does."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"calls-{os.getpid()}-0"
    try:
        for command in (f"netns add {name}", f"-n {name} link add one type veth peer name two"):
            subprocess.run(["ip", *command.split()], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        return f"no network can be made: {error.stderr.strip()}"
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)
    return None


async def _ip(arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "ip", *arguments.split(), stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"ip {arguments}: {errors.decode().strip()}")
