"""A client of the wire gateway that speaks TCMP and RSP over a real socket, and sends no media.

Its peer connection exists on paper: descriptions are real and follow the rules of offer and answer,
but no packet is sent. That is enough for everything that signaling decides, and quick.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import aiohttp

from acs_core.rtc.formats import NATIVE_CODECS, NATIVE_EXTENSIONS, select
from acs_core.rtc.sdp import (
    Codec,
    Direction,
    Fingerprint,
    HeaderExtension,
    LocalTransport,
    MediaSection,
    SessionDescription,
    Setup,
    parse,
    write,
)

__all__ = ["PaperPeer", "WireClient", "wire_client"]

DEADLINE: Final = 5.0
VIDEO_CLOCK: Final = 90_000
FINGERPRINT: Final = Fingerprint("sha-256", ":".join(["AB"] * 32))


class PaperPeer:
    """The browser's side of one peer connection, without media."""

    _ssrcs = itertools.count(1000)

    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.revision = 0
        self._sections: list[MediaSection] = []
        self._ufrag = uuid.uuid4().hex[:8]
        self._video_codecs: frozenset[str] | None = None

    def know_only(self, *names: str) -> None:
        """Describe no other video codecs than these from now on, on every section."""
        self._video_codecs = frozenset(names)
        native = NATIVE_CODECS["video"]
        self._sections = [
            replace(item, codecs=self._known(native)) if item.kind == "video" else item
            for item in self._sections
        ]

    def track(self, kind: str) -> str:
        """Send a track from the next offer on; its id."""
        track_id = str(uuid.uuid4())
        section = replace(
            self._section(kind), ssrcs=(next(self._ssrcs),), msid=("-", track_id), cname="c"
        )
        self._sections.append(section)
        return track_id

    def receive(self, kind: str) -> None:
        """Have a section that only receives."""
        self._sections.append(replace(self._section(kind), direction=Direction.RECVONLY))

    def stop(self, track_id: str) -> None:
        """Send a track no longer."""
        self._sections = [
            replace(item, direction=Direction.RECVONLY, ssrcs=(), msid=None)
            if item.msid is not None and item.msid[1] == track_id
            else item
            for item in self._sections
        ]

    def restart_ice(self) -> None:
        """Use other credentials from now on."""
        self._ufrag = uuid.uuid4().hex[:8]

    def offer(self) -> dict[str, Any]:
        """The entry with a new offer."""
        self.revision += 1
        return self._entry("offer", self._text(Setup.ACTPASS))

    def answer(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The entry that answers an offer of the service."""
        description = entry["description"]
        self.revision = description["revision"]
        offered = parse(description["sdp"])
        mine = {section.mid: section for section in self._sections}
        self._sections = [self._mirrored(item, mine.get(item.mid)) for item in offered.sections]
        return self._entry("answer", self._text(Setup.ACTIVE))

    @property
    def sections(self) -> list[MediaSection]:
        """As the newest description has them."""
        return self._sections

    def _mirrored(self, offered: MediaSection, mine: MediaSection | None) -> MediaSection:
        if offered.kind == "application":
            return replace(offered, candidates=(), setup=None, fingerprints=(), ice=None)
        is_sending = mine is not None and mine.msid is not None
        direction = Direction.of(
            send=is_sending and offered.direction.is_receiving,
            receive=offered.direction.is_sending,
        )
        base = self._section(offered.kind) if mine is None else mine
        return replace(
            base,
            mid=offered.mid,
            direction=direction,
            codecs=self._known(offered.codecs),
            extensions=offered.extensions,
        )

    def _section(self, kind: str) -> MediaSection:
        extensions = tuple(HeaderExtension(n, u) for u, n in NATIVE_EXTENSIONS[kind].items())
        return MediaSection(
            kind,  # type: ignore[arg-type]
            str(len(self._sections)),
            codecs=self._known(NATIVE_CODECS[kind]),
            extensions=extensions,
            rtcp_mux=True,
        )

    def _known(self, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
        names = self._video_codecs
        if names is None or any(codec.clock_rate != VIDEO_CLOCK for codec in codecs):
            return codecs
        return select(codecs, lambda codec: codec.name in names)

    def _entry(self, kind: str, sdp: str) -> dict[str, Any]:
        description = {"type": kind, "revision": self.revision, "sdp": sdp}
        return {"id": self.id, "description": description}

    def _text(self, setup: Setup) -> str:
        transport = LocalTransport(self._ufrag, "p" * 24, (), FINGERPRINT)
        sections = tuple(transport.apply(item, setup) for item in self._sections)
        return write(SessionDescription(sections, tuple(item.mid for item in sections)))


class WireClient:
    """One socket, and what was heard on it.

    Attributes:
        heard: Every body, in order.
        state: The newest value of each field of connected, synced and updates.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self.token = token
        self.peer = PaperPeer()
        self.heard: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.participants: dict[str, dict[str, Any]] = {}
        self.tracks: list[dict[str, Any]] = []
        self.revision = 0

    # ------------------------------------------------------------ saying

    async def hello(self, body: Mapping[str, Any] | None = None) -> None:
        """Open the framing."""
        message = {"type": "hello", "id": str(uuid.uuid4()), "timeout": 5000, "version": 2}
        await self.raw(message if body is None else {**message, "body": body})

    async def raw(self, message: Mapping[str, Any]) -> None:
        """Send a frame."""
        await self.socket.send_str(json.dumps(message))

    async def say(self, body: Mapping[str, Any]) -> None:
        """Send a message."""
        await self.raw({"type": "msg", "body": body})

    def publish(self, kind: str, **state: Any) -> str:
        """Add a track to the list; its id. Say it with `connect` or `update`."""
        track_id = str(uuid.uuid4()) if kind == "data" else self.peer.track(kind)
        self.tracks.append(
            {
                "id": track_id,
                "kind": kind,
                "name": state.pop("name", track_id),
                "enabled": True,
                "priority": "standard",
                **state,
            }
        )
        return track_id

    def participant(self) -> dict[str, Any]:
        """The complete state, one revision on."""
        self.revision += 1
        return {"revision": self.revision, "tracks": [dict(item) for item in self.tracks]}

    async def connect(self, room: str | None = "room", **fields: Any) -> dict[str, Any]:
        """Enter a room; its `connected`, or its `error`."""
        if not self.peer.sections:
            self.peer.receive("audio")
            self.peer.receive("video")
        body = {
            "type": "connect",
            "version": 2,
            "name": room,
            "token": self.token,
            "format": "unified",
            "ice_servers": "overrode",
            "participant": self.participant(),
            "peer_connections": [self.peer.offer()],
            "media_signaling": {},
            "subscribe": {"revision": 1, "rules": [{"type": "include", "all": True}]},
            **fields,
        }
        await self.hello(body)
        return await self.body("connected", "error")

    async def update(self, **fields: Any) -> None:
        """Say an update."""
        session = self.state.get("session")
        await self.say({"type": "update", "version": 2, "session": session, **fields})

    # ------------------------------------------------------------ hearing

    async def frame(self) -> dict[str, Any]:
        """The next frame of any type.

        Raises:
            ConnectionError: The socket was closed; `socket.close_code` says how.
        """
        async with asyncio.timeout(DEADLINE):
            message = await self.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"closed with {self.socket.close_code}")
        frame: dict[str, Any] = json.loads(message.data)
        if frame["type"] == "msg":
            self._learn(frame["body"])
        return frame

    async def body(self, *types: str) -> dict[str, Any]:
        """The next body of one of these types; offers on the way are answered."""
        while True:
            frame = await self.frame()
            if frame["type"] == "msg":
                await self._answer_offers(frame["body"])
                if frame["body"]["type"] in types:
                    return dict(frame["body"])

    async def body_with(self, field: str) -> dict[str, Any]:
        """The next body that has this field; nothing is answered."""
        while True:
            frame = await self.frame()
            if frame["type"] == "msg" and field in frame["body"]:
                return dict(frame["body"])

    async def until(self, condition: Callable[[], Any]) -> None:
        """Listen until something is so; offers are answered."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                frame = await self.frame()
                if frame["type"] == "msg":
                    await self._answer_offers(frame["body"])

    async def close_code(self) -> int:
        """Listen until the socket is closed; with which code."""
        try:
            while True:
                await self.frame()
        except ConnectionError:
            return self.socket.close_code or 0

    def _learn(self, body: dict[str, Any]) -> None:
        self.heard.append(body)
        self.state |= body
        for entry in body.get("participants", ()):
            known = self.participants.get(entry["sid"])
            assert known is None or entry["revision"] >= known["revision"], (known, entry)
            self.participants[entry["sid"]] = entry

    async def _answer_offers(self, body: Mapping[str, Any]) -> None:
        for entry in body.get("peer_connections", ()):
            description = entry.get("description") or {}
            if description.get("type") == "offer":
                answer = self.peer.answer(entry)
                await self.update(participant=None, peer_connections=[answer])


@asynccontextmanager
async def wire_client(url: str, token: str) -> AsyncIterator[WireClient]:
    """A socket to a service's `/signaling`; closed when the block ends."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{url}/signaling", max_msg_size=0) as socket,
    ):
        yield WireClient(socket, token)
