"""One stream of a participant: sound, a camera or a screen.

Source: `Stream` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, final

from acs_core import LocalPublication, PublicationKind, RemotePublication
from acs_core.media.sources import MediaSource
from mapping.videosdk.absent import NotProvidedError
from mapping.videosdk.errors import Errors

__all__ = ["KINDS", "Perform", "Stream", "StreamKind", "Switch", "Track"]

StreamKind: TypeAlias = Literal["audio", "video", "share"]
"""VideoSDK's `shareAudio` is left out: screens are shared without sound."""

Track: TypeAlias = MediaSource | RemotePublication
"""Where media comes from: of ours the source, of others what delivers `frames()`."""

KINDS: Final[Mapping[PublicationKind, StreamKind]] = MappingProxyType(
    {
        PublicationKind.AUDIO: "audio",
        PublicationKind.VIDEO: "video",
        PublicationKind.SCREEN: "share",
    }
)
"""What VideoSDK calls publications; data is no stream."""


Perform: TypeAlias = Callable[[Callable[[], Awaitable[None]], Errors], asyncio.Task[None]]
"""Does something in turn; the code is for a failure."""


@dataclass(frozen=True, slots=True)
class Switch:
    """What pauses a stream of somebody else.

    Attributes:
        send: Tells the service to send it to us, or not.
        perform: Does that in the meeting's turn.
    """

    send: Callable[[bool], Awaitable[None]]
    perform: Perform


@final
class Stream:
    """Media that a participant sends; the same object for the same publication."""

    def __init__(
        self, publication: LocalPublication | RemotePublication, switch: Switch | None
    ) -> None:
        """Make a stream; the meeting does this.

        Args:
            publication: What it stands for; no data.
            switch: Has the service send it to us or not; None for a stream of ours.
        """
        self._publication = publication
        self._switch = switch
        self._paused = False

    @property
    def id(self) -> str:
        """32 hex digits; with `MT`, the track's SID in Twilio's words."""
        return self._publication.id

    @property
    def kind(self) -> StreamKind:
        """What it carries."""
        return KINDS[self._publication.kind]

    @property
    def track(self) -> Track:
        """A `MediaSource` for a stream of ours, which is to be opened to be read.

        For a stream of somebody else a `RemotePublication`, whose `frames()` end with the meeting.
        """
        if isinstance(self._publication, RemotePublication):
            return self._publication
        source = self._publication.source
        assert source is not None  # Only data has none.
        return source

    @property
    def paused(self) -> bool:
        """Whether `pause` keeps the service from sending it to us."""
        return self._paused

    def pause(self) -> asyncio.Task[None]:
        """Have the service send it to us no longer; the others go on receiving it.

        It stays one of `Participant.streams`. Readers of pictures wait meanwhile, those of sound
        end: read `track` again after `resume`.

        Raises:
            MeetingError: When awaited: 4074, the service could not be told. For a stream of ours
                `NotProvidedError` at once.
        """
        return self._remote().perform(lambda: self._set(True), Errors.PAUSE_STREAM_FAILED)

    def resume(self) -> asyncio.Task[None]:
        """Have the service send it to us again; raises as `pause`, with 4075."""
        return self._remote().perform(lambda: self._set(False), Errors.RESUME_STREAM_FAILED)

    def _remote(self) -> Switch:
        if self._switch is None:
            raise NotProvidedError(
                "A stream of ours cannot be paused.",
                next_step="Use Meeting.muteMic, disableWebcam or disableScreenShare.",
            )
        return self._switch

    async def _set(self, paused: bool) -> None:
        # Before the service is told: what it takes back then is no end of the stream.
        before, self._paused = self._paused, paused
        try:
            await self._remote().send(not paused)
        except BaseException:
            self._paused = before
            raise
