"""Participants of both styles in one real call, and a journal of what a Twilio program hears."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from acs_core import (
    AudioOptions,
    AzureCommunicationTokenCredential,
    Call,
    CallAgent,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    DeviceManager,
    JoinCallOptions,
    LocalAudioStream,
    LocalVideoStream,
    RemoteParticipant,
    RemoteVideoStream,
    RoomCallLocator,
    VideoOptions,
    VideoStreamRenderer,
)
from acs_core.media.sources import PatternSource
from acs_core.models import GroupLocator, VideoDeviceInfo, VideoDeviceType
from acs_core.service.transcription import Transcriber
from tests.support.events import until
from tests.support.media_checks import Color
from twilio_compat import Room, connect
from twilio_compat.emitter import EventEmitter
from twilio_compat.server import CompatServer, embedded

__all__ = [
    "AcsUser",
    "Journal",
    "Meeting",
    "camera",
    "meeting",
    "pattern",
    "quiet",
    "seen_by",
    "shown",
]

ROOM = "meeting"


def pattern(color: Color, width: int = 160, height: int = 96) -> PatternSource:
    """A small moving picture that costs little to encode."""
    return PatternSource(width, height, 15, color=color)


def camera(color: Color, name: str = "camera", width: int = 160) -> VideoDeviceInfo:
    """A camera that a stream may be built on."""
    return VideoDeviceInfo(
        name, f"{name}:{color}", VideoDeviceType.USB_CAMERA, lambda: pattern(color, width)
    )


def quiet() -> JoinCallOptions:
    """Join without any stream of ours."""
    return JoinCallOptions(streams=())


@dataclass(frozen=True, slots=True)
class AcsUser:
    """An ACS-style user: an agent with at most one call at a time."""

    raw_id: str
    client: CallClient
    agent: CallAgent

    async def devices(self) -> DeviceManager:
        return await self.client.get_device_manager()

    def start(
        self,
        place: GroupLocator | None = None,
        *,
        video: LocalVideoStream | None = None,
        audio: LocalAudioStream | None = None,
        muted: bool = False,
    ) -> Call:
        """A call that is connecting."""
        if audio is None and video is None and not muted:
            options = quiet()
        else:
            sounds = () if audio is None else (audio,)
            options = JoinCallOptions(
                video_options=None if video is None else VideoOptions((video,)),
                audio_options=AudioOptions(muted, sounds),
            )
        return self.agent.join(place or RoomCallLocator(ROOM), options)

    async def join(self, place: GroupLocator | None = None, **options: Any) -> Call:
        """A connected call; options as for `start`."""
        return await self.start(place, **options).connected()


class Meeting:
    """A real service and everybody who uses it in one test."""

    def __init__(self, server: CompatServer, stack: AsyncExitStack, url: str) -> None:
        self.server = server
        self.url = url
        self.stack = stack

    async def user(self, name: str = "", **options: Any) -> AcsUser:
        """A new ACS user whose agent is connected; options as of `CallClientOptions`."""
        raw_id, token = self.server.issue_user_token()
        defaults: dict[str, Any] = {"service_url": self.url, "sample_interval": 0.1}
        chosen = CallClientOptions(**(defaults | options))
        client = await self.stack.enter_async_context(CallClient(chosen))
        agent = await client.create_call_agent(
            AzureCommunicationTokenCredential(token.token), CallAgentOptions(name)
        )
        return AcsUser(raw_id, client, agent)

    async def guest(
        self,
        identity: str,
        *,
        color: Color | None = None,
        tone: float | None = None,
        **options: Any,
    ) -> Room:
        """A Twilio-style participant, with a picture and a tone if asked for."""
        size = {"source": "pattern", "width": 160, "height": 96, "frameRate": 15}
        media: dict[str, Any] = {
            "audio": False if tone is None else {"source": "tone", "frequency": tone},
            "video": False if color is None else size | {"color": color},
        }
        if "tracks" in options:
            media = {}
        room = await connect(
            self.server.access_token(identity),
            **{"name": ROOM, "service_url": self.url} | media | options,
        )
        return await self.stack.enter_async_context(room)


@asynccontextmanager
async def meeting(
    *,
    transcriber: Transcriber | None = None,
    **options: Any,
) -> AsyncIterator[Meeting]:
    """A service with made-up credentials and nobody in it; all leave when the block ends.

    Args:
        transcriber: Who writes down what is said.
        **options: Settings of the service.
    """
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            embedded(options=options, transcriber=transcriber)
        )
        # Twilio's connect makes rooms, ACS's join does not.
        if running.rooms.find(ROOM) is None:
            running.rooms.create(unique_name=ROOM)
        yield Meeting(running, stack, running.url)


@asynccontextmanager
async def shown(stream: LocalVideoStream | RemoteVideoStream) -> AsyncIterator[Any]:
    """The surface of a view, with a first picture."""
    renderer = VideoStreamRenderer(stream)
    view = await renderer.create_view()
    try:
        await until(lambda: not view.target.is_blank)
        yield view.target
    finally:
        await renderer.aclose()


async def seen_by(call: Call, count: int = 1) -> tuple[RemoteParticipant, ...]:
    """The others in a call, once they are so many."""
    await until(lambda: len(call.remote_participants) == count)
    return call.remote_participants


class Journal:
    """All events of many Twilio emitters in one list, in the order in which they are told.

    Entries are (emitter's name, event, arguments); arguments that have a name in the journal are
    written as that name.
    """

    def __init__(self, ignored: frozenset[str] = frozenset()) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self._ignored = ignored
        self._names: dict[int, str] = {}
        # Their ids must not be given to other objects.
        self._kept: list[object] = []
        self._counts: Counter[str] = Counter()

    def name(self, thing: object, name: str) -> None:
        """Write an object as a name from now on."""
        self._names[id(thing)] = name
        self._kept.append(thing)

    def watch(self, **emitters: EventEmitter) -> Journal:
        """Write down every event of some emitters."""
        for name, emitter in emitters.items():
            self.name(emitter, name)
            for event in sorted(emitter.known_events() - self._ignored):
                emitter.on(event, self._writer(name, event))
        return self

    def note(self, text: str) -> None:
        """Write down something that a test did."""
        self.entries.append(("test", text))

    def count(self, kind: str) -> int:
        """The next free number of a kind of thing, from 1."""
        self._counts[kind] += 1
        return self._counts[kind]

    def _writer(self, name: str, event: str) -> Callable[..., None]:
        def write(*arguments: object) -> None:
            shown = tuple(self._names.get(id(item), item) for item in arguments)
            self.entries.append((name, event, *shown))

        return write
