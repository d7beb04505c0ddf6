"""Janus, the peer that our forwarding is compared with: its process and its VideoRoom.

Source: https://janus.conf.meetecho.com/docs/rest.html and /docs/videoroom.html.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from acs_core.media.negotiation import (
    PublishedStream,
    PublishNegotiation,
    ReceivedSection,
    SubscribeNegotiation,
)
from benchmarks.compiling import compile_library
from benchmarks.leg import Leg
from benchmarks.processes import pin

__all__ = ["JanusRoom", "janus_process", "janus_version"]

START_TIMEOUT = 15.0
EVENT_TIMEOUT = 15.0
STOP_TIMEOUT = 10.0
RTP_PORTS = "20000-40000"

_CONFIGURATION = """
general: {{
  configs_folder = "{folder}"
  debug_level = 2
  interface = "127.0.0.1"
  {extra}
}}
media: {{ rtp_port_range = "{ports}" }}
nat: {{
  ice_enforce_list = "127.0.0.1"
  full_trickle = false
  ice_keepalive_conncheck = false
}}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
_HTTP = """
general: {{ json = "compact", base_path = "/janus", http = true, ip = "127.0.0.1", port = {port} }}
admin: {{ admin_http = false }}
"""


def janus_version() -> str | None:
    """The installed version, or None."""
    binary = shutil.which("janus")
    if binary is None:
        return None
    done = subprocess.run(
        [binary, "--help"], capture_output=True, text=True, timeout=10, check=False
    )
    found = re.search(r"\(([\d.]+)\)", done.stdout)
    return found[1] if found else "unknown"


@contextlib.asynccontextmanager
async def janus_process(
    folder: Path, *, options: str = "", core: int | None = None
) -> AsyncIterator[tuple[int, str]]:
    """Run Janus with nothing but VideoRoom and HTTP; gives its process id and URL.

    Args:
        folder: For its configuration.
        options: Further lines of the section ``general``.
        core: That it is kept on.
    """
    port = _free_port()
    _configure(folder, options, port)
    shim = compile_library("janus_loopback", folder)
    process = await asyncio.create_subprocess_exec(
        "janus",
        "-F",
        str(folder),
        env={**os.environ, "LD_PRELOAD": str(shim)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        pin(process.pid, core)
        url = f"http://127.0.0.1:{port}/janus"
        await _wait_until_up(url, process)
        yield process.pid, url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class JanusRoom:
    """A room with publishers and subscribers; `open`, use, `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._room = secrets.randbelow(1_000_000) + 1
        self._http = aiohttp.ClientSession()
        self._session = ""
        self._events: dict[int, asyncio.Queue[dict[str, Any]]] = {}
        self._polling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Create the session and the room."""
        created = await self._post("", {"janus": "create"})
        self._session = f"/{created['data']['id']}"
        self._polling = asyncio.create_task(self._poll(), name="janus events")
        handle = await self._attach()
        await self._post(
            f"{self._session}/{handle}",
            {
                "janus": "message",
                "body": {
                    "request": "create",
                    "room": self._room,
                    "publishers": 100,
                    "bitrate": 0,
                    "videocodec": "vp8",
                    "transport_wide_cc_ext": False,
                    "playoutdelay_ext": False,
                    "videoorient_ext": False,
                },
            },
        )

    async def publish(self, number: int) -> tuple[Leg, PublishedStream]:
        """Connect a publisher of one VP8 stream; its feed has the number."""
        negotiation = PublishNegotiation(
            session_id=secrets.randbits(62), cname="load", new_ssrc=lambda: secrets.randbits(31)
        )
        negotiation.add_stream(
            "video", "video", stream_id="load", track_id=f"v{number}", codecs=("VP8",)
        )
        leg = Leg()
        handle = await self._attach()
        join = {"request": "join", "ptype": "publisher", "room": self._room, "id": number}
        await self._message(handle, join)
        answer = await self._message(
            handle,
            {"request": "configure", "video": True, "audio": False},
            jsep={"type": "offer", "sdp": negotiation.create_offer(leg.local)},
        )
        accepted = negotiation.accept_answer(answer["jsep"]["sdp"])
        if accepted.transport is None:
            raise RuntimeError("Janus refused the stream")
        await leg.connect(accepted.transport, is_offerer=True)
        return leg, accepted.streams[0]

    async def subscribe(self, feeds: Sequence[int]) -> tuple[Leg, tuple[ReceivedSection, ...]]:
        """Connect a subscriber of these publishers."""
        handle = await self._attach()
        offer = await self._message(
            handle,
            {
                "request": "join",
                "ptype": "subscriber",
                "room": self._room,
                "streams": [{"feed": feed} for feed in feeds],
            },
        )
        leg = Leg()
        negotiation = SubscribeNegotiation(session_id=secrets.randbits(62))
        answer = negotiation.accept_offer(offer["jsep"]["sdp"], leg.local)
        jsep = {"type": "answer", "sdp": answer.answer}
        await self._message(handle, {"request": "start"}, jsep=jsep)
        await leg.connect(answer.transport, is_offerer=False)
        return leg, answer.sections

    async def close(self) -> None:
        """End the session."""
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError, aiohttp.ClientError):
                await self._polling
        await self._http.close()

    async def _post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        message = {**body, "transaction": secrets.token_hex(6)}
        async with self._http.post(self._url + path, json=message) as response:
            answer: dict[str, Any] = await response.json()
            return answer

    async def _attach(self) -> int:
        attach = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        handle = int((await self._post(self._session, attach))["data"]["id"])
        self._events[handle] = asyncio.Queue()
        return handle

    async def _message(
        self, handle: int, body: Mapping[str, Any], *, jsep: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Send a request of the plugin and return the event that answers it."""
        message: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        await self._post(f"{self._session}/{handle}", message)
        async with asyncio.timeout(EVENT_TIMEOUT):
            while True:
                event = await self._events[handle].get()
                data = event["plugindata"]["data"]
                if "error" in data:
                    raise RuntimeError(f"Janus: {data['error']}")
                # News about other publishers come on the same handle.
                if "publishers" not in data or data.get("videoroom") == "joined":
                    return event

    async def _poll(self) -> None:
        while True:
            async with self._http.get(f"{self._url}{self._session}?maxev=20") as response:
                for event in await response.json():
                    if event.get("janus") == "event" and event["sender"] in self._events:
                        self._events[event["sender"]].put_nowait(event)


def _configure(folder: Path, options: str, port: int) -> None:
    libraries = Path("/usr/lib").glob("*/janus/*/*.so")
    others = {"plugins": list[str](), "transports": list[str]()}
    for path in libraries:
        if path.parent.name in others and path.stem not in (
            "libjanus_videoroom",
            "libjanus_http",
        ):
            others[path.parent.name].append(path.name)
    text = _CONFIGURATION.format(
        folder=folder,
        extra=options,
        ports=RTP_PORTS,
        plugins=",".join(sorted(others["plugins"])),
        transports=",".join(sorted(others["transports"])),
    )
    (folder / "janus.jcfg").write_text(text)
    (folder / "janus.transport.http.jcfg").write_text(_HTTP.format(port=port))
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: { }\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _wait_until_up(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_TIMEOUT), aiohttp.ClientSession() as http:
        while True:
            if process.returncode is not None:
                raise RuntimeError(f"Janus ended with code {process.returncode}")
            try:
                async with http.get(f"{url}/info") as response:
                    await response.read()
                    return
            except aiohttp.ClientConnectionError:
                # It does not tell when it is ready.
                await asyncio.sleep(0.05)
