"""`Features.LOCAL_RECORDING`: who records the call on a computer of their own.

The service takes no part in such a recording; it passes on who says that they make one. In ACS
only Teams clients do; here every client can, by `LocalRecorder` or, if it records by other means,
by `announce`.

Source: `LocalRecordingCallFeature` of @azure/communication-calling 1.36.1-beta.1; `announce` is
ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import ClassVar

from acs_core import wire
from acs_core.client.features.base import CallContext, CallFeature, Joined, News, RosterChanged
from acs_core.core.facts import EndpointInfo
from acs_core.events import CollectionUpdate, LocalRecordingEvent
from acs_core.identifiers import CommunicationIdentifier, parse_raw_id

__all__ = ["LocalRecordingCallFeature", "LocalRecordingInfo", "LocalRecordingState"]


class LocalRecordingState(IntEnum):
    """Whether somebody still records."""

    STARTED = 1
    ENDED = 2


@dataclass(frozen=True, slots=True)
class LocalRecordingInfo:
    """That somebody records the call; what `removed` brings has ended.

    Attributes:
        display_name: Who records, as they want to be called; may be empty.
        identifier: Who records (ours).
    """

    state: LocalRecordingState
    display_name: str
    identifier: CommunicationIdentifier


class LocalRecordingCallFeature(CallFeature):
    """The recordings that people in the call make themselves, our own included."""

    NAME: ClassVar[str] = "LocalRecording"
    EVENTS: ClassVar[frozenset[str]] = frozenset(LocalRecordingEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._recordings: dict[str, LocalRecordingInfo] = {}

    @property
    def is_recording_active(self) -> bool:
        """Whether somebody in the call records it."""
        return bool(self._recordings)

    @property
    def recordings(self) -> tuple[LocalRecordingInfo, ...]:
        """One for each client that records, in the order in which they came into the call."""
        return tuple(self._recordings.values())

    @property
    def is_announced(self) -> bool:
        """Whether we say that we record (ours)."""
        return self._context.is_joined and self._context.endpoint_id in self._recordings

    async def announce(self, *, is_recording: bool) -> None:
        """Say that we record the call, or no longer; saying it again does nothing (ours).

        Leaving the call takes it back. What is said last holds, also when whoever said it before
        did not wait for the answer.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing has changed.
        """
        self._context.joined_session()
        await self._context.enqueued(lambda: self._say(is_recording), "announce recording")

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        if isinstance(news, Joined):
            self._recordings = self._read()
        elif isinstance(news, RosterChanged):
            self._follow()

    async def _say(self, is_recording: bool) -> None:
        endpoint = self._context.endpoint_id
        body = wire.AnnounceRecording(endpoint=endpoint, is_recording=is_recording)
        await self._context.joined_session().ask(body)

    def _follow(self) -> None:
        before, self._recordings = self._recordings, self._read()
        added = [info for key, info in self._recordings.items() if key not in before]
        removed = [
            replace(info, state=LocalRecordingState.ENDED)
            for key, info in before.items()
            if key not in self._recordings
        ]
        if added or removed:
            update = CollectionUpdate(tuple(added), tuple(removed))
            self._emit(LocalRecordingEvent.LOCAL_RECORDINGS_UPDATED, update)
        if bool(before) is not bool(self._recordings):
            self._emit(LocalRecordingEvent.IS_LOCAL_RECORDING_ACTIVE_CHANGED)

    def _read(self) -> dict[str, LocalRecordingInfo]:
        endpoints = self._context.joined_session().roster.endpoints
        return {key: _info(item) for key, item in endpoints.items() if item.attributes.is_recording}


def _info(endpoint: EndpointInfo) -> LocalRecordingInfo:
    identifier = parse_raw_id(endpoint.identity)
    return LocalRecordingInfo(LocalRecordingState.STARTED, endpoint.name, identifier)
