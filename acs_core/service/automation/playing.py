"""What programs let people hear: files, fetched from where they say, played into their calls.

Theory of operation. Each connection has a queue of plays and a task that works it off, one after
the other. A play fetches its files, brings a stream of sound into the call (a program that only
connected to the call enters it for that time), sends the files, and takes the stream away. The
service has no codecs: a `Voice` makes the sound, and is given to the service by whoever runs it.

Source: ACS, "Customize voice prompts to users with Play action".
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason, PublicationKind
from acs_core.errors import CallingError
from acs_core.service.automation.bodies import Play, PlaySource, callback
from acs_core.service.automation.connections import AppEnd, Connection, Connections
from acs_core.service.automation.events import SUCCESS, failure, result_of
from acs_core.service.automation.incoming import app_principal
from acs_core.service.automation.refusals import invalid, not_established, not_supported
from acs_core.service.endpoints import Endpoint
from acs_core.service.native_media import PublishSide
from acs_core.service.sfu.engine import SfuEngine

__all__ = ["Fetch", "Playing", "Voice"]

_log = logging.getLogger(__name__)

MOST_SOURCES: Final = 10
MOST_QUEUED: Final = 20
"""Plays that wait in one connection."""
CLOSE_DEADLINE: Final = 1.5
DOWNLOAD_FAILED: Final = 8536
PLAY_FAILED: Final = 8511
CANCELLED: Final = EndReason(code=400, sub_code=8508, message="The action was canceled.")


class Voice(Protocol):
    """Makes sound of files, and sends it over a connection of its own."""

    @property
    def key(self) -> str:
        """The stream's track id in the offer."""

    async def offer(self) -> str:
        """SDP of the connection."""

    async def connect(self, answer: str) -> None:
        """Take the answer; return when sound can flow."""

    async def play(self, path: Path) -> None:
        """Send a file from its beginning to its end."""

    async def close(self) -> None:
        """End the connection, within 2 s."""


Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gets what a URL leads to, bounded in time and size; raises `CallingError`."""


@dataclass(frozen=True, slots=True)
class _Play:
    """One play.

    Attributes:
        urls: Of the files, in order.
        audience: Raw ids of who hears it; empty for everybody.
    """

    urls: tuple[str, ...]
    audience: tuple[str, ...]
    is_looping: bool
    context: str | None
    callback_uri: str


class _SourceFailedError(Exception):
    """One of the sources cannot be played."""

    def __init__(self, index: int, sub_code: int, error: CallingError) -> None:
        super().__init__(error.message)
        self.index = index
        self.result = {"code": 400, "subCode": sub_code, "message": error.message}


class Playing:
    """The plays of all connections.

    Attributes:
        fetch: Gets the files; None: nothing can be played. Give one that goes only where it may.

    Args:
        connections: Tells programs.
        engine: The media side, while the service runs.
        voices: Makes voices; None: nothing can be played.
    """

    def __init__(
        self,
        connections: Connections,
        engine: Callable[[], SfuEngine],
        voices: Callable[[], Voice] | None,
    ) -> None:
        self.fetch: Fetch | None = None
        self._connections = connections
        self._engine = engine
        self._voices = voices
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        connections.on_ended = self._ended

    def play(self, connection: Connection, wanted: Play) -> None:
        """Play something, after what is played already or in place of it.

        Raises:
            CallingError: 405/8520: the service cannot play, or not this kind of source; 400/8523:
                a source is missing; 400/8501: nobody has answered.
        """
        fetch, voices = self.fetch, self._voices
        if not connection.is_established:
            raise not_established("Nobody has answered the call yet.")
        if fetch is None or voices is None:
            raise not_supported("The service has no voice.", next_step="Run it with one.")
        play = _parsed(wanted)
        queue = self._queues.get(connection.id)
        if queue is None:
            queue = _Queue(connection, self._connections, self._engine(), self._tasks)
            self._queues[connection.id] = queue
        if wanted.interrupt_call_media_operation:
            queue.cancel()
        queue.add(play, voices, fetch)

    def cancel(self, connection: Connection) -> None:
        """Play no longer, nor what waits."""
        queue = self._queues.get(connection.id)
        if queue is not None:
            queue.cancel()

    async def close(self) -> None:
        """End everything, within 2 s."""
        for queue in self._queues.values():
            queue.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_DEADLINE)

    def _ended(self, connection: Connection) -> None:
        queue = self._queues.pop(connection.id, None)
        if queue is not None:
            queue.cancel()


class _Queue:
    """What is played in one connection, and what waits."""

    def __init__(
        self,
        connection: Connection,
        connections: Connections,
        engine: SfuEngine,
        tasks: set[asyncio.Task[None]],
    ) -> None:
        self._connection = connection
        self._connections = connections
        self._engine = engine
        self._waiting: deque[tuple[_Play, Callable[[], Voice], Fetch]] = deque()
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None

    def add(self, play: _Play, voices: Callable[[], Voice], fetch: Fetch) -> None:
        """Play something once what is before it is over."""
        if len(self._waiting) >= MOST_QUEUED:
            raise invalid(f"Up to {MOST_QUEUED} plays can wait.")
        self._waiting.append((play, voices, fetch))
        self._go_on()

    def cancel(self) -> None:
        """Play no longer, nor what waits."""
        waiting = list(self._waiting)
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for play, _, _ in waiting:
            self._tell(play, "PlayCanceled", resultInformation=result_of(CANCELLED))

    def _go_on(self) -> None:
        if self._task is None and self._waiting:
            play, voices, fetch = self._waiting.popleft()
            playing = self._carry_out(play, voices, fetch)
            self._task = task = asyncio.create_task(playing, name="play")
            self._tasks.add(task)
            task.add_done_callback(partial(self._done, play))

    def _done(self, play: _Play, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        # Here, since what is canceled at once never ran.
        if task.cancelled():
            self._tell(play, "PlayCanceled", resultInformation=result_of(CANCELLED))
        if self._task is task:
            self._task = None
            self._go_on()

    async def _carry_out(self, play: _Play, voices: Callable[[], Voice], fetch: Fetch) -> None:
        """Play something, and tell how it went, unless it is canceled."""
        try:
            await self._perform(play, voices, fetch)
        except _SourceFailedError as error:
            self._tell(
                play,
                "PlayFailed",
                resultInformation=error.result,
                failedPlaySourceIndex=error.index,
            )
        except CallingError as error:
            result = failure(error, sub_code=PLAY_FAILED)
            self._tell(play, "PlayFailed", resultInformation=result)
        except Exception:
            _log.exception("a play failed")
            reason = EndReason(code=500, sub_code=PLAY_FAILED, message="The play failed.")
            self._tell(play, "PlayFailed", resultInformation=result_of(reason))
        else:
            self._tell(play, "PlayCompleted", resultInformation=SUCCESS)

    async def _perform(self, play: _Play, voices: Callable[[], Voice], fetch: Fetch) -> None:
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="play-")))
            files = [
                await _fetched(fetch, url, index, folder) for index, url in enumerate(play.urls)
            ]
            voice = voices()
            stack.push_async_callback(voice.close)
            await self._speak(stack, voice, play.audience)
            self._tell(play, "PlayStarted", resultInformation=SUCCESS)
            while True:
                for index, file in enumerate(files):
                    try:
                        await voice.play(file)
                    except CallingError as error:
                        raise _SourceFailedError(index, PLAY_FAILED, error) from error
                if not play.is_looping:
                    return

    async def _speak(
        self, stack: contextlib.AsyncExitStack, voice: Voice, audience: Sequence[str]
    ) -> None:
        """Bring the voice into the call, for as long as the stack lives."""
        endpoint = self._connection.endpoint or self._entered(stack)
        leg = _Leg(endpoint)
        side = PublishSide(leg, self._engine, 1, None)
        stack.callback(self._engine.close_soon, side.transport)
        new = wire.NewPublication(
            key=voice.key, kind=PublicationKind.AUDIO, audience=tuple(audience)
        )
        answer = side.transport.accept_offer(await voice.offer())
        (info,) = endpoint.publish((new,))
        stack.callback(_withdraw, endpoint, info.id)
        side.name((new,), (info,))
        await voice.connect(answer)

    def _entered(self, stack: contextlib.AsyncExitStack) -> Endpoint:
        """The program in a call that it only connected to."""
        principal = app_principal(self._connection.source)
        call = self._connection.call
        endpoint = call.join(uuid.uuid4().hex, principal, AppEnd(self._connections))
        stack.callback(endpoint.leave, endings.HUNG_UP)
        return endpoint

    def _tell(self, play: _Play, kind: str, **data: object) -> None:
        if self._connections.is_live(self._connection):
            self._connections.tell(
                self._connection,
                kind,
                url=play.callback_uri,
                operationContext=play.context,
                **data,
            )


class _Leg:
    """Whose the connection of a voice is."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.endpoint.id

    def deliver(self, body: wire.DeliveryBody) -> None:
        """A voice hears nothing."""

    def media_changed(self) -> None:
        """A voice that falls silent ends by itself."""


async def _fetched(fetch: Fetch, url: str, index: int, folder: Path) -> Path:
    try:
        data = await fetch(url)
    except CallingError as error:
        raise _SourceFailedError(index, DOWNLOAD_FAILED, error) from error
    file = folder / str(index)
    await asyncio.to_thread(file.write_bytes, data)
    return file


def _withdraw(endpoint: Endpoint, publication: str) -> None:
    if endpoint.is_in_call and publication in endpoint.publications:
        endpoint.unpublish(publication)


def _parsed(wanted: Play) -> _Play:
    if not 0 < len(wanted.play_sources) <= MOST_SOURCES:
        raise invalid(f"There must be 1 to {MOST_SOURCES} playSources.")
    options = wanted.play_options
    return _Play(
        urls=tuple(map(_url, wanted.play_sources)),
        audience=tuple(who.who() for who in wanted.play_to or ()),
        is_looping=options is not None and bool(options.loop),
        context=wanted.operation_context,
        callback_uri=callback(wanted.operation_callback_uri),
    )


def _url(source: PlaySource) -> str:
    if source.kind != "file":
        raise not_supported(
            f"Sources of kind {source.kind} need a speech service.",
            next_step="Play a file.",
        )
    url = callback(source.file.uri if source.file is not None else "")
    if not url:
        raise invalid("A file source needs an absolute http or https uri.")
    return url
