"""One stream of the application while it is in a call: its publication, and its device's failures.

`LocalMedia` has one for each kind of stream; the stream tells it of other sources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from acs_core.client.device_flags import START_FLAGS, STOP_FLAGS, start_flag
from acs_core.client.ports import NewStream, SendOptions
from acs_core.client.publications import LocalPublication
from acs_core.client.streams import LocalAudioStream, LocalVideoStream
from acs_core.core.facts import PublicationKind
from acs_core.errors import MediaError
from acs_core.media.sources import MediaSource
from acs_core.models import MediaStreamType

__all__ = ["LocalSlot"]

_KINDS: Final = {
    MediaStreamType.AUDIO: PublicationKind.AUDIO,
    MediaStreamType.VIDEO: PublicationKind.VIDEO,
    MediaStreamType.SCREEN_SHARING: PublicationKind.SCREEN,
}


class LocalSlot:
    """One stream of the application in the call, and its publication.

    Attributes:
        stream: The application's.
        publication: What the service knows it as, once the call is connected.
        encoding: How it is sent.
    """

    def __init__(
        self,
        stream: LocalVideoStream | LocalAudioStream,
        kind: MediaStreamType,
        observe: Callable[[str, bool], None],
        *,
        enabled: bool = True,
        encoding: SendOptions | None = None,
    ) -> None:
        """Hold a stream.

        Args:
            stream: The application's.
            kind: What it is in the call.
            observe: Takes media diagnostics of the device, and whether they hold.
            enabled: Whether it is published as sending.
            encoding: How it is sent.
        """
        self.stream = stream
        self._kind = kind
        self.publication: LocalPublication | None = None
        self._enabled = enabled
        self.encoding = encoding or SendOptions()
        self._observe = observe
        self._unfollow: Callable[[], None] | None = None
        self._source: MediaSource | None = None
        self._sent: MediaSource | None = None
        self._moving = asyncio.Lock()

    def new_stream(self) -> NewStream:
        """What to publish it as; from now on its device is followed."""
        # In the midst of a switch the stream has its old source still, and we have the new one.
        source = self._source or self.stream.media_source
        self._source = self._sent = source
        self._follow(source)
        return NewStream(
            kind=_KINDS[self._kind],
            source=source,
            enabled=self._enabled,
            encoding=self.encoding,
        )

    def limit(self, encoding: SendOptions) -> None:
        """Encode it like this, now if it is published and otherwise when it will be."""
        self.encoding = encoding
        if self.publication is not None:
            self.publication.set_encoding(encoding)

    @property
    def is_refused(self) -> bool:
        """Whether it was to send at once, and the service has disabled it."""
        info = None if self.publication is None else self.publication.stream.info
        return self._enabled and info is not None and not info.enabled

    async def replace_source(self, source: MediaSource) -> None:
        """Go on with another source; the stream calls this."""
        self._source = source
        await self.settle()
        self._follow(source)
        self.started()

    async def settle(self) -> None:
        """Send from the source that the stream has by now, once there is a publication.

        Until then there is nothing to move, so whoever sets `publication` calls this.

        Raises:
            CallingError: As `LocalPublication.replace_source`; the old source goes on.
        """
        async with self._moving:
            while self.publication is not None and self._source is not self._sent:
                wanted = self._source
                if wanted is None:
                    return
                self._sent = None  # Nobody knows, if this fails.
                await self.publication.replace_source(wanted)
                self._sent = wanted

    def started(self) -> None:
        """The device works: what was wrong with it before is over."""
        for flag in START_FLAGS[self._kind]:
            self._observe(flag, False)

    def source_failed(self, error: MediaError) -> None:
        """The device could not be started; the stream calls this, too."""
        self._observe(start_flag(self._kind, error), True)

    def release(self) -> None:
        """The stream is in the call no longer."""
        self.stream.release(self)
        if self._unfollow is not None:
            self._unfollow()
            self._unfollow = None
            self._observe(STOP_FLAGS[self._kind], False)

    def _follow(self, source: MediaSource) -> None:
        """Hear when the device fails from now on."""
        if self._unfollow is not None:
            self._unfollow()
        flag = STOP_FLAGS[self._kind]
        self._observe(flag, False)
        self._unfollow = source.on_failed(lambda _: self._observe(flag, True))
