"""Endpoints and publications as applications hold them: the same object for the same thing.

Their events are those of `Features.STREAMS`. Members that change them are for the feature.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from acs_core.client.features.base import CallContext
from acs_core.client.frame_reader import FrameReader
from acs_core.client.ports import FrameMode, LocalStream, SendOptions
from acs_core.core.facts import (
    ConnectionState,
    DataReliability,
    EndpointInfo,
    Priority,
    PublicationInfo,
    PublicationKind,
)
from acs_core.errors import CallingError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id
from acs_core.media.sources import MediaSource
from acs_core.media.stats import ReceiverStats, SenderStats

__all__ = ["LocalPublication", "RemoteEndpoint", "RemotePublication", "opened"]


@asynccontextmanager
async def opened(source: MediaSource | None) -> AsyncIterator[None]:
    """Hold a source open while it is given to a sender, which opens it, too; None holds nothing.

    Raises:
        SourceUnavailableError: It cannot be opened; SourceEndedError: it is at its end.
    """
    reader = None if source is None else await source.open()
    try:
        yield
    finally:
        if reader is not None:
            # After what is due already: the sender's first step, so the device stays on.
            asyncio.get_running_loop().call_soon(reader.close)


class RemoteEndpoint:
    """One connected client of somebody else."""

    def __init__(self, info: EndpointInfo) -> None:
        self._info = info
        self._identifier = parse_raw_id(info.identity)
        self._state = info.state
        self._publications: dict[str, RemotePublication] = {}

    @property
    def id(self) -> str:
        """32 hex digits; ACS's participant id and, with `PA`, Twilio's participant SID."""
        return self._info.id

    @property
    def identifier(self) -> CommunicationIdentifier:
        """The user whose client it is."""
        return self._identifier

    @property
    def display_name(self) -> str:
        """What the user wants to be called; for a Twilio participant its identity."""
        return self._info.name

    @property
    def state(self) -> ConnectionState:
        """Whether the endpoint can be reached."""
        return self._state

    @property
    def publications(self) -> tuple[RemotePublication, ...]:
        """What it publishes, in the order of publishing."""
        return tuple(self._publications.values())

    def set_state(self, state: ConnectionState) -> None:
        """Its reachability changed."""
        self._state = state

    def add(self, publication: RemotePublication) -> None:
        """It publishes one stream more."""
        self._publications[publication.id] = publication

    def remove(self, publication: RemotePublication) -> None:
        """It does not publish a stream any longer."""
        del self._publications[publication.id]

    def end(self) -> None:
        """It left; its publications stay readable."""
        self._state = ConnectionState.DISCONNECTED


class RemotePublication:
    """A stream that another endpoint offers."""

    def __init__(
        self, context: CallContext, endpoint: RemoteEndpoint, info: PublicationInfo
    ) -> None:
        self._context = context
        self._endpoint = endpoint
        self._info = info
        self._is_enabled = info.enabled
        self._priority = info.priority
        self._reliability = info.reliability or DataReliability()
        self._is_subscribed = False
        self._subscriptions = 0
        self._changed = asyncio.Event()

    @property
    def id(self) -> str:
        """32 hex digits; with `MT`, Twilio's track SID."""
        return self._info.id

    @property
    def number(self) -> int:
        """Small integer, unique in the call; ACS's stream id."""
        return self._info.number

    @property
    def kind(self) -> PublicationKind:
        """What it carries."""
        return self._info.kind

    @property
    def name(self) -> str:
        """What the publisher called it; unique per endpoint."""
        return self._info.name

    @property
    def endpoint(self) -> RemoteEndpoint:
        """Who publishes it."""
        return self._endpoint

    @property
    def is_enabled(self) -> bool:
        """False while the publisher sends nothing on purpose."""
        return self._is_enabled

    @property
    def priority(self) -> Priority:
        """How much it matters to its publisher."""
        return self._priority

    @property
    def is_subscribed(self) -> bool:
        """Whether we receive it."""
        return self._is_subscribed

    def frames(self, *, mode: FrameMode | None = None, maximum: int | None = None) -> FrameReader:
        """Read its frames: `VideoFrame`s or `AudioFrame`s, as they arrive.

        Every call gives another reader, and every reader gets every frame; decoding happens only
        while there is one. The reader goes on over reconnections and ends with the subscription.

        Args:
            mode: "latest" keeps the newest frame only, "queue" the newest `maximum`; None is
                "latest" for pictures and "queue" for sound.
            maximum: Frames that a queue holds before the oldest is dropped and counted.

        Raises:
            InvalidStateError: It is not subscribed, or carries data.
        """
        receiver = self._receiver()
        if receiver is None:
            raise InvalidStateError(
                f"Publication {self.name!r} is not received.",
                stage=Stage.MEDIA,
                next_step="Wait for the subscribed event of Features.STREAMS.",
            )
        chosen = mode or ("queue" if self.kind is PublicationKind.AUDIO else "latest")
        return FrameReader(receiver.frames(chosen, maximum=maximum))

    @property
    def stats(self) -> ReceiverStats | None:
        """Measurements, or None while it is not received or carries data."""
        session, receiver = self._context.session, self._receiver()
        peer = None if session is None else session.stats().subscribe
        return None if peer is None or receiver is None else peer.receivers.get(receiver.mid)

    @property
    def reliability(self) -> DataReliability:
        """How hard its data channel tries: what the channel was opened with, once it is there.

        Before that it is what the publisher announced.
        """
        session = self._context.session
        used = None if session is None else session.reliability(self.id)
        if used is not None:
            self._reliability = used
        return self._reliability

    def set_facts(self, *, enabled: bool, priority: Priority) -> frozenset[str]:
        """Take what the service says; return which of "enabled" and "priority" changed."""
        changed = set()
        if enabled is not self._is_enabled:
            changed.add("enabled")
        if priority is not self._priority:
            changed.add("priority")
        self._is_enabled, self._priority = enabled, priority
        return frozenset(changed)

    def set_subscribed(self, is_subscribed: bool) -> bool:
        """Take whether it is received; return whether that changed."""
        changed = self._is_subscribed is not is_subscribed
        self._is_subscribed = is_subscribed
        if changed and is_subscribed:
            self._subscriptions += 1
            self._changed.set()
        return changed

    async def next_subscription(self, seen: int = 0) -> int:
        """Wait until it is subscribed, and return the number of this subscription.

        Args:
            seen: Wait for a later one than this; 0 for the present or first one.
        """
        while not (self._is_subscribed and self._subscriptions > seen):
            self._changed.clear()
            await self._changed.wait()
        return self._subscriptions

    def _receiver(self) -> Any:
        session = self._context.session
        if session is None or not self._is_subscribed:
            return None
        return session.receiver(self.id)


class LocalPublication:
    """A stream that we offer."""

    def __init__(
        self,
        context: CallContext,
        stream: LocalStream,
        on_failed: Callable[[LocalPublication, CallingError], None],
    ) -> None:
        self._context = context
        self._stream = stream
        self._on_failed = on_failed
        self._is_enabled = stream.enabled
        self._priority = stream.priority
        self._unfollow: Callable[[], None] | None = None
        self._follow(stream.source)

    @property
    def stream(self) -> LocalStream:
        """What the session calls it."""
        return self._stream

    @property
    def id(self) -> str:
        """32 hex digits; with `MT`, Twilio's track SID."""
        return self._stream.id

    @property
    def kind(self) -> PublicationKind:
        """What it carries."""
        return self._stream.kind

    @property
    def name(self) -> str:
        """What it is called; unique among our publications."""
        return self._stream.name

    @property
    def source(self) -> MediaSource | None:
        """Where it comes from; None for data."""
        return self._stream.source

    @property
    def is_enabled(self) -> bool:
        """Whether it sends."""
        return self._is_enabled

    @property
    def priority(self) -> Priority:
        """How much it matters."""
        return self._priority

    @property
    def stats(self) -> SenderStats | None:
        """Measurements, or None for data and while there is no connection."""
        session = self._context.session
        peer = None if session is None else session.stats().publish
        return None if peer is None else peer.senders.get(self._stream.key)

    def set_enabled(self, is_enabled: bool) -> None:
        """Send or stop sending, from this moment; the others are told in order.

        When the service cannot be told, `localPublicationFailed` of `Features.STREAMS` says so.
        """
        if is_enabled is self._is_enabled:
            return
        self._enable_here(is_enabled)
        self._context.enqueue(lambda: self._tell(enabled=is_enabled), "enable publication")

    async def enable(self, is_enabled: bool) -> None:
        """Like `set_enabled`, and wait until the service knows.

        Raises:
            CallingError: It could not be told.
        """
        if is_enabled is self._is_enabled:
            return
        self._enable_here(is_enabled)
        session = self._context.joined_session()
        await self._context.enqueued(
            lambda: session.update(self._stream, enabled=is_enabled), "enable publication"
        )

    def set_priority(self, priority: Priority | str) -> None:
        """Say how much it matters; a failure is reported as for `set_enabled`.

        Raises:
            InvalidArgumentError: There is no such priority.
        """
        try:
            chosen = Priority(priority)
        except ValueError as error:
            raise InvalidArgumentError(
                f"There is no priority {priority!r}.", next_step="Use low, standard or high."
            ) from error
        if chosen is not self._priority:
            self._priority = chosen
            self._context.enqueue(lambda: self._tell(priority=chosen), "set priority")

    def send(self, payload: str | bytes) -> None:
        """Send a message on a data publication.

        Raises:
            InvalidStateError: It is not connected now, or carries no data.
            CallingError: Too much waits to be sent.
        """
        self._stream.send(payload)

    async def replace_source(self, source: MediaSource) -> None:
        """Send from another source of the same kind; to the others it stays the same stream.

        Raises:
            InvalidArgumentError: The source is of another kind.
            SourceUnavailableError: It cannot be opened; the old one goes on.
        """
        if source.kind != self.kind.media:
            raise InvalidArgumentError(
                f"A source of {source.kind} cannot replace one of {self.kind.media}.",
                stage=Stage.MEDIA,
            )
        async with opened(source):
            await self._stream.replace_source(source)
        self._follow(source)

    def set_encoding(self, encoding: SendOptions) -> None:
        """Send with other limits from the next frame on; the codecs stay what they are."""
        self._stream.set_encoding(encoding)

    def end(self) -> None:
        """It is withdrawn, or the call is over; what becomes of its source is no matter of ours."""
        self._follow(None)

    def _follow(self, source: MediaSource | None) -> None:
        """Report when the source fails from now on."""
        if self._unfollow is not None:
            self._unfollow()
        self._unfollow = None
        if source is not None:
            self._unfollow = source.on_failed(lambda error: self._on_failed(self, error))

    def _enable_here(self, is_enabled: bool) -> None:
        self._is_enabled = is_enabled
        self._stream.enabled = is_enabled
        if self._stream.sender is not None:
            self._stream.sender.enabled = self._stream.is_sending

    async def _tell(self, *, enabled: bool | None = None, priority: Priority | None = None) -> None:
        session = self._context.session
        if session is None or not self._context.is_joined:
            return
        try:
            await session.update(self._stream, enabled=enabled, priority=priority)
        except CallingError as error:
            self._on_failed(self, error)
