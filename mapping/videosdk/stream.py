"""One stream of a participant: sound, a camera or a screen.

Source: `Stream` of @videosdk.live/js-sdk 1.1.1.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, final

from acs_core import LocalPublication, PublicationKind, RemotePublication
from acs_core.media.sources import MediaSource
from mapping.videosdk.absent import NotProvidedError

__all__ = ["KINDS", "Stream", "StreamKind", "Track"]

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


@final
class Stream:
    """Media that a participant sends; the same object for the same publication."""

    def __init__(
        self,
        publication: LocalPublication | RemotePublication,
        switch: Callable[[bool], asyncio.Task[None]] | None,
    ) -> None:
        """Make a stream; the meeting does this.

        Args:
            publication: What it stands for; no data.
            switch: Has the service send it again (True) or not; None for a stream of ours.
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

        Raises:
            MeetingError: When awaited: the service could not be told. For a stream of ours
                `NotProvidedError` at once.
        """
        return self._set_paused(True)

    def resume(self) -> asyncio.Task[None]:
        """Have the service send it to us again; raises as `pause`."""
        return self._set_paused(False)

    def _set_paused(self, paused: bool) -> asyncio.Task[None]:
        if self._switch is None:
            raise NotProvidedError(
                "A stream of ours cannot be paused.",
                next_step="Use Meeting.muteMic, disableWebcam or disableScreenShare.",
            )
        self._paused = paused
        return self._switch(not paused)
