"""The video of others as ACS shows it, and the slots of those who show it."""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.frame_reader import FrameReader
from acs_core.client.ports import FrameMode
from acs_core.client.publications import RemotePublication
from acs_core.core.facts import PublicationKind
from acs_core.errors import DeadlineError, InvalidArgumentError, InvalidStateError, Stage
from acs_core.events import RemoteVideoStreamEvent
from acs_core.models import CallLimits, MediaStreamType, StreamSize

__all__ = ["RemoteVideoStream", "ViewSlots"]

SUBSCRIBE_TIMEOUT: Final = 10.0


class ViewSlots:
    """How many streams of others a call shows at the same time."""

    def __init__(self, limits: CallLimits) -> None:
        self._free = {
            MediaStreamType.VIDEO: limits.rendered_video,
            MediaStreamType.SCREEN_SHARING: limits.rendered_screen,
        }

    def acquire(self, kind: MediaStreamType) -> None:
        """Take a slot.

        Raises:
            InvalidStateError: 400/43220: all are taken.
        """
        if self._free[kind] < 1:
            raise InvalidStateError(
                f"No more {kind} streams can be shown.",
                code=400,
                sub_code=43220,
                next_step="Dispose a view, or raise CallClientOptions.limits.",
            )
        self._free[kind] -= 1

    def release(self, kind: MediaStreamType) -> None:
        """Give a slot back."""
        self._free[kind] += 1


class RemoteVideoStream(Emitter):
    """Video of a remote participant: what ACS shows of one publication."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(RemoteVideoStreamEvent)
    EVENT_SUB_CODE: ClassVar[int] = 43100

    def __init__(self, publication: RemotePublication, owner: TaskOwner, views: ViewSlots) -> None:
        super().__init__(owner)
        self._publication = publication
        self._views = views
        self._is_available = publication.is_enabled
        self._is_receiving = False
        self._size = StreamSize(0, 0)
        self._packets = 0

    @property
    def id(self) -> int:
        """Small integer, unique in the call."""
        return self._publication.number

    @property
    def media_stream_type(self) -> MediaStreamType:
        """`Video` or `ScreenSharing`."""
        if self._publication.kind is PublicationKind.SCREEN:
            return MediaStreamType.SCREEN_SHARING
        return MediaStreamType.VIDEO

    @property
    def is_available(self) -> bool:
        """Whether the participant sends it."""
        return self._is_available

    @property
    def is_receiving(self) -> bool:
        """Whether pictures arrived lately; looked at about once a second."""
        return self._is_receiving

    @property
    def size(self) -> StreamSize:
        """Size of the newest decoded picture; 0 x 0 before it."""
        return self._size

    @property
    def views(self) -> ViewSlots:
        """The slots that views of this call share (ours)."""
        return self._views

    @property
    def publication(self) -> RemotePublication:
        """The same stream in `Features.STREAMS`' words (ours)."""
        return self._publication

    def frames(self, *, mode: FrameMode = "latest", maximum: int | None = None) -> FrameReader:
        """Read its pictures (ours); as `RemotePublication.frames`."""
        return self._publication.frames(mode=mode, maximum=maximum)

    async def get_media_stream(self, timeout: float = SUBSCRIBE_TIMEOUT) -> FrameReader:
        """Read its pictures as raw frames; the newest only, as `frames` does.

        Args:
            timeout: Seconds to wait for the service to send it.

        Raises:
            InvalidArgumentError: 400/43103: the participant does not send it.
            DeadlineError: 408/43104: it was not sent in time.
        """
        if not self._is_available:
            raise InvalidArgumentError(
                "The participant does not send this video.",
                sub_code=43103,
                stage=Stage.MEDIA,
                next_step="Wait until isAvailableChanged says that is_available is True.",
            )
        try:
            async with asyncio.timeout(timeout):
                await self._publication.next_subscription()
        except TimeoutError as error:
            raise DeadlineError(
                f"The video was not received within {timeout:g} s.",
                sub_code=43104,
                stage=Stage.MEDIA,
                next_step="Look at Features.RECEIVE_POLICY: it may not be subscribed to.",
            ) from error
        return self.frames()

    def set_available(self, is_available: bool) -> None:
        """Take whether the participant sends it; who does not send is not received."""
        if is_available is not self._is_available:
            self._is_available = is_available
            self._emit(RemoteVideoStreamEvent.IS_AVAILABLE_CHANGED)
        if not is_available:
            self._set_receiving(False)

    def sample(self) -> None:
        """Look at the statistics; the call does this about once a second."""
        stats = self._publication.stats
        if stats is None:
            self._set_receiving(False)
            return
        has_new, self._packets = stats.packets_received != self._packets, stats.packets_received
        self.show_size(StreamSize(stats.frame_width, stats.frame_height))
        self._set_receiving(has_new and self._is_available)

    def show_size(self, size: StreamSize) -> None:
        """Take the size of a decoded picture."""
        if size.width > 0 and size != self._size:
            self._size = size
            self._emit(RemoteVideoStreamEvent.SIZE_CHANGED)

    def _set_receiving(self, is_receiving: bool) -> None:
        if is_receiving is not self._is_receiving:
            self._is_receiving = is_receiving
            self._emit(RemoteVideoStreamEvent.IS_RECEIVING_CHANGED)
