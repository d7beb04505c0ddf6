"""What `doctor` looks at: each check answers with a `Check`, whatever goes wrong.

Source: RFC 9110 section 6.6.1 for the Date header, whose resolution is a second.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
import socket
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import av

from acs_core.client.call_client import CallClient
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.errors import CallingError
from acs_core.media.devices import DeviceKind, list_devices
from acs_core.models import CallClientOptions
from acs_core.version import __version__
from twilio_compat.commands.client_support import Access
from twilio_compat.errors import TwilioError

__all__ = ["Check", "Status", "check_here", "check_service", "check_signaling", "failed"]

HTTP_TIMEOUT: Final = 5.0
SIGNALING_TIMEOUT: Final = 15.0
CLOCK_WARNING: Final = 5.0
"""Seconds; people notice, tokens do not yet."""
_SHOWN_PACKAGES: Final = ("aiortc", "aioice", "av", "pylibsrtp", "aiohttp")
_CODECS: Final = (
    ("VP8", "libvpx", "libvpx", True),
    ("H264", "libx264", "h264", False),
    ("opus", "libopus", "libopus", True),
)
"""Name, encoder, decoder, and whether calls need it."""


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found.

    Attributes:
        name: What was looked at.
        status: How it went.
        detail: What was found.
        advice: What to do about it; empty when nothing needs to be done.
    """

    name: str
    status: Status
    detail: str
    advice: str = ""


def failed(name: str, error: BaseException, advice: str = "") -> Check:
    """A check that ended with an error, in the error's own words."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, CallingError):
        cause = cause.__cause__
    if isinstance(cause, CallingError):
        stage = f" [{cause.stage}]" if cause.stage else ""
        return Check(name, Status.FAIL, f"{cause.message}{stage}", cause.advice or advice)
    if isinstance(error, TwilioError):
        detail = f"{error.code} {error.message}: {error.explanation}"
        return Check(name, Status.FAIL, detail, error.next_step or advice)
    return Check(name, Status.FAIL, str(error) or type(error).__name__, advice)


# ---------------------------------------------------------------- this computer


def check_here(access: Access) -> list[Check]:
    """What this computer has: versions, codecs, devices, IPv6, TURN. Takes some milliseconds."""
    return [_versions(), *map(_codec, _CODECS), _devices(), _ipv6(access.url), _turn(access)]


def _versions() -> Check:
    parts = [f"twilio-compat {__version__}", f"Python {platform.python_version()}"]
    for package in _SHOWN_PACKAGES:
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"{package} unknown")
    return Check("versions", Status.OK, ", ".join(parts))


def _codec(row: tuple[str, str, str, bool]) -> Check:
    name, encoder, decoder, is_needed = row
    missing = [
        what
        for what, codec, mode in (("encoder", encoder, "w"), ("decoder", decoder, "r"))
        if not _has_codec(codec, mode)
    ]
    if not missing:
        return Check(f"codec {name}", Status.OK, f"{encoder} and {decoder}")
    return Check(
        f"codec {name}",
        Status.FAIL if is_needed else Status.WARN,
        f"no {' and no '.join(missing)}",
        "Install the `av` wheel of this platform; a build of your own may lack codecs.",
    )


def _has_codec(name: str, mode: Any) -> bool:
    try:
        av.codec.Codec(name, mode)
    except ValueError:
        return False
    return True


def _devices() -> Check:
    found = list_devices()
    counts = {kind: sum(device.kind is kind for device in found) for kind in DeviceKind}
    detail = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if counts[DeviceKind.CAMERA] and counts[DeviceKind.MICROPHONE]:
        return Check("devices", Status.OK, detail)
    return Check(
        "devices",
        Status.WARN,
        detail,
        "Send files, a pattern, a tone or frames of your program; devices are not needed.",
    )


def _ipv6(url: str) -> Check:
    host = urlsplit(url).hostname or ""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return Check("IPv6", Status.WARN, f"not here ({error.strerror})", "IPv4 is used.")
    try:
        socket.getaddrinfo(host, None, socket.AF_INET6)
    except OSError:
        return Check("IPv6", Status.OK, f"here, but {host} has no IPv6 address; IPv4 is used")
    return Check("IPv6", Status.OK, f"here, and {host} has an IPv6 address")


def _turn(access: Access) -> Check:
    url = access.settings.turn_url
    if url is not None:
        return Check("TURN", Status.OK, f"{url} is configured here")
    return Check(
        "TURN",
        Status.WARN,
        "no TURN server in the configuration here",
        "Only clients that cannot send UDP to the service need one: serve --turn-url, "
        "--turn-secret.",
    )


# ---------------------------------------------------------------- the service


async def check_service(access: Access) -> list[Check]:
    """Whether the service answers and is ready, and how far the clocks are apart."""
    timeout = aiohttp.ClientTimeout(total=HTTP_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        try:
            begun = time.time()
            async with http.get(f"{access.url}/healthz") as response:
                health = await response.json()
                date, status = response.headers.get("Date", ""), response.status
            took = time.time() - begun
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return [
                Check(
                    "service",
                    Status.FAIL,
                    f"{access.url} cannot be reached: {str(error) or 'no answer'}",
                    "Check --url or CALLING_SERVICE_URL, and that the service runs "
                    "(`twilio-compat serve`).",
                )
            ]
        reached = _reached(access.url, status, health, took)
        return [reached, await _ready(http, access.url), _clock(date, begun + took / 2)]


def _reached(url: str, status: int, health: object, took: float) -> Check:
    theirs = health.get("version") if isinstance(health, dict) else None
    if status != 200 or not isinstance(theirs, str):
        detail = f"{url} answers with {status}, but is no calling service"
        return Check("service", Status.FAIL, detail, "Check --url or CALLING_SERVICE_URL.")
    detail = f"{url} answers in {took * 1000:.0f} ms, version {theirs}"
    if theirs != __version__:
        advice = f"This is version {__version__}; use the same on both sides."
        return Check("service", Status.WARN, detail, advice)
    return Check("service", Status.OK, detail)


async def _ready(http: aiohttp.ClientSession, url: str) -> Check:
    try:
        async with http.get(f"{url}/readyz") as response:
            answer = await response.json()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return failed("ready", error, "Look into the service's log.")
    if response.status == 200:
        plane = answer.get("plane") if isinstance(answer, dict) else None
        return Check("ready", Status.OK, f"media plane {plane}")
    return Check("ready", Status.FAIL, f"not ready ({response.status})", "Wait, or restart it.")


def _clock(date: str, local: float) -> Check:
    try:
        # The header cuts the fraction off: half a second is the best guess.
        offset = parsedate_to_datetime(date).timestamp() + 0.5 - local
    except ValueError:
        return Check("clock", Status.SKIPPED, "the service does not tell its time")
    detail = f"the service's clock is {abs(offset):.0f} s {'ahead' if offset > 0 else 'behind'}"
    if abs(offset) <= 1.0:
        detail = "the clocks agree within a second"
    if abs(offset) > CLOCK_WARNING:
        return Check("clock", Status.WARN, detail, "Set both clocks by NTP; tokens have dates.")
    return Check("clock", Status.OK, detail)


async def check_signaling(access: Access) -> list[Check]:
    """Whether a token is at hand, and whether the service lets it in."""
    try:
        token = access.token(f"doctor-{secrets.token_hex(3)}")
    except CallingError as error:
        return [failed("token", error)]
    begun = time.perf_counter()
    client = CallClient(CallClientOptions(service_url=access.url))
    credential: AzureCommunicationTokenCredential | None = None
    try:
        async with asyncio.timeout(SIGNALING_TIMEOUT):
            credential = AzureCommunicationTokenCredential(token)
            await client.create_call_agent(credential)
    except (CallingError, TimeoutError) as error:
        return [failed("signaling", error, "Check that proxies between pass WebSockets.")]
    finally:
        await client.dispose()
        if credential is not None:
            credential.dispose()
    took = (time.perf_counter() - begun) * 1000
    source = "given" if access.given else "made from the configured credentials"
    return [
        Check("token", Status.OK, f"accepted ({source})"),
        Check("signaling", Status.OK, f"WebSocket opened and closed in {took:.0f} ms"),
    ]
