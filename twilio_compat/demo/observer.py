"""An ACS program in the same room: it only looks, and says what its events say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import final

from acs_core import (
    AzureCommunicationTokenCredential,
    Call,
    CallAgentOptions,
    CallClient,
    CallClientOptions,
    CallEvent,
    CollectionUpdate,
    DominantSpeakersEvent,
    Features,
    JoinCallOptions,
    PublicationKind,
    RemoteParticipant,
    RemoteParticipantEvent,
    RemotePublication,
    RemoteVideoStream,
    RemoteVideoStreamEvent,
    RoomCallLocator,
    StreamsEvent,
)
from twilio_compat.demo.trace import Trace, View

__all__ = ["NAME", "observing"]

NAME = "observer"


@contextlib.asynccontextmanager
async def observing(token: str, url: str, room: str, trace: Trace) -> AsyncIterator[Call]:
    """Join a room without sound and pictures, and trace what happens there.

    Raises:
        CallingError: The service refuses, or cannot be reached.
    """
    async with CallClient(CallClientOptions(service_url=url)) as client:
        credential = AzureCommunicationTokenCredential(token)
        agent = await client.create_call_agent(credential, CallAgentOptions(display_name=NAME))
        # Nothing is received but messages: this program does not look at pictures.
        options = JoinCallOptions(streams=(), receive_automatically=False)
        call = agent.join(RoomCallLocator(room), options)
        observer = _Observer(call, trace)
        await call.connected()
        observer.follow()
        try:
            yield call
        finally:
            await call.hang_up()
            credential.dispose()


@final
class _Observer:
    """Registers for the events of a call, of those in it and of their streams."""

    def __init__(self, call: Call, trace: Trace) -> None:
        self._call = call
        self._trace = trace
        call.on(CallEvent.STATE_CHANGED, lambda: self._tell("stateChanged", str(call.state)))

    def follow(self) -> None:
        """Listen; the call must be connected."""
        self._call.on(CallEvent.REMOTE_PARTICIPANTS_UPDATED, self._participants_updated)
        speakers = self._call.feature(Features.DOMINANT_SPEAKERS)
        speakers.on(DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED, self._speakers_changed)
        streams = self._call.feature(Features.STREAMS)
        streams.on(StreamsEvent.DATA_RECEIVED, self._data_received)
        streams.on(StreamsEvent.ENDPOINT_ADDED, self._want_data_of)
        streams.on(StreamsEvent.PUBLICATION_ADDED, self._want_data)

    async def _want_data_of(self, endpoint: object) -> None:
        for publication in self._call.feature(Features.STREAMS).publications.values():
            if publication.endpoint is endpoint:
                await self._want_data(publication)

    async def _want_data(self, publication: RemotePublication) -> None:
        if publication.kind is PublicationKind.DATA:
            await self._call.feature(Features.RECEIVE_POLICY).subscribe(publication)

    def _participants_updated(self, update: CollectionUpdate[RemoteParticipant]) -> None:
        for participant in update.added:
            self._tell("remoteParticipantsUpdated", f"+ {participant.display_name}")
            self._follow_participant(participant)
        for participant in update.removed:
            self._tell("remoteParticipantsUpdated", f"- {participant.display_name}")

    def _follow_participant(self, participant: RemoteParticipant) -> None:
        def muted() -> None:
            self._tell("isMutedChanged", f"{participant.display_name} {participant.is_muted}")

        def speaking() -> None:
            self._tell("isSpeakingChanged", f"{participant.display_name} {participant.is_speaking}")

        def state() -> None:
            self._tell("stateChanged", f"{participant.display_name} {participant.state}")

        def streams(update: CollectionUpdate[RemoteVideoStream]) -> None:
            for stream in update.added:
                self._follow_stream(participant, stream)

        participant.on(RemoteParticipantEvent.IS_MUTED_CHANGED, muted)
        participant.on(RemoteParticipantEvent.IS_SPEAKING_CHANGED, speaking)
        participant.on(RemoteParticipantEvent.STATE_CHANGED, state)
        participant.on(RemoteParticipantEvent.VIDEO_STREAMS_UPDATED, streams)
        for stream in participant.video_streams:
            self._follow_stream(participant, stream)

    def _follow_stream(self, participant: RemoteParticipant, stream: RemoteVideoStream) -> None:
        name = participant.display_name
        self._tell("videoStreamsUpdated", f"{name} + {stream.media_stream_type}")

        def available() -> None:
            self._tell("isAvailableChanged", f"{name} {stream.is_available}")

        stream.on(RemoteVideoStreamEvent.IS_AVAILABLE_CHANGED, available)

    def _speakers_changed(self) -> None:
        feature = self._call.feature(Features.DOMINANT_SPEAKERS)
        endpoints = {one.id: one for one in self._call.feature(Features.STREAMS).endpoints}
        dominant = endpoints.get(feature.dominant_endpoint or "")
        self._tell("dominantSpeakersChanged", dominant.display_name if dominant else "nobody")

    def _data_received(self, publication: RemotePublication, payload: str | bytes) -> None:
        text = payload if isinstance(payload, str) else f"{len(payload)} bytes"
        name = publication.endpoint.display_name
        self._tell("dataReceived", f"{name} \u201c{text}\u201d")

    def _tell(self, event: str, detail: str) -> None:
        self._trace.add(View.ACS, NAME, event, detail)
