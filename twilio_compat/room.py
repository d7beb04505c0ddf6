"""A room: who is in it, and what happens there.

Theory of operation. A `Room` stands on one `Call` of `acs_core` and its features. Each event of a
feature is handed to the participant it is about, which tells it from the inside out (`events.py`);
the room tells what is about itself. `disconnect` does everything that a program can see at once and
in Twilio's order; what is left for the network is one task, for whose end `closed` waits.

Source: twilio-video.js 2.36, `lib/room.js`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Final, Self, final

from acs_core.client.emitter import Emitter, TaskOwner
from acs_core.client.features.keys import Features
from acs_core.core.call import CallState
from acs_core.core.facts import ConnectionState, EndReason
from acs_core.errors import CallingError
from acs_core.events import (
    CallEvent,
    DominantSpeakersEvent,
    NetworkQualityEvent,
    ReceivePolicyEvent,
    ReconnectionEvent,
    StreamsEvent,
)
from twilio_compat.bandwidth import BandwidthOptions
from twilio_compat.emitter import EventEmitter, Listener
from twilio_compat.endings import ended_error, lost_error
from twilio_compat.errors import TwilioError
from twilio_compat.events import RoomEvent
from twilio_compat.lifecycle import Lifecycle
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_participant import REGION, LocalParticipant
from twilio_compat.local_track import LocalTrack
from twilio_compat.maps import LiveMap
from twilio_compat.option_types import NotifyWarning
from twilio_compat.options import NetworkQualityConfiguration
from twilio_compat.participant import ParticipantState
from twilio_compat.receiving import ReceiveControl
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.sending import SendPreferences
from twilio_compat.stats import StatsReport, stats_report
from twilio_compat.transcriptions import Transcriptions

if TYPE_CHECKING:
    from acs_core.client.call import Call
    from acs_core.client.publications import LocalPublication, RemoteEndpoint, RemotePublication
    from acs_core.core.receiving import Forwarding
    from acs_core.wire import QualityLevel
    from twilio_compat.transcriptions import TranscriptionEvent

__all__ = ["Room", "RoomSetup", "RoomState"]

_instances = count(1)

_log = logging.getLogger(__name__)

LISTENER_GRACE: Final = 0.5
"""Seconds that coroutine listeners may go on after the room is over."""


class RoomState(StrEnum):
    """Whether the room can be reached."""

    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSetup:
    """What `connect` knows of a room.

    Attributes:
        call: Connected.
        call_id: The service's id of the call; the room's SID without its prefix.
        name: Of the room.
        identity: Of this program.
        tracks: What is published, in the order of the call's publications.
        created: The tracks that `connect` made; they are stopped with the room.
        dominant_speaker: Report the dominant speaker.
        network_quality: What to report; None for nothing.
        sending: Codecs and limits of what is published later.
        bandwidth_profile: How received videos share the downlink; None for no profile.
        warnings: What to warn of.
        receive_transcriptions: Tell what is said.
        lifecycle: Told when the connection is over; None for nobody.
        close: Leave the call and let go of everything; takes a few seconds at most.
    """

    call: Call
    call_id: str
    name: str
    identity: str
    tracks: Sequence[LocalTrack]
    created: Sequence[LocalTrack]
    dominant_speaker: bool
    network_quality: NetworkQualityConfiguration | None
    sending: SendPreferences
    close: Callable[[], Awaitable[None]]
    bandwidth_profile: BandwidthOptions | None = None
    warnings: frozenset[NotifyWarning] = frozenset()
    receive_transcriptions: bool = False
    lifecycle: Lifecycle | None = None


@final
class Room(EventEmitter):
    """A room that this program is in; made by `connect`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(RoomEvent)

    def __init__(self, setup: RoomSetup) -> None:
        super().__init__(TaskOwner())
        self._setup = setup
        self._state = self._told_state = RoomState.CONNECTED
        self._is_told_over = False
        self._number = next(_instances)
        self._work = TaskOwner()
        self._closed = asyncio.Event()
        self._streams = setup.call.feature(Features.STREAMS)
        self._speakers = setup.call.feature(Features.DOMINANT_SPEAKERS)
        self._qualities = setup.call.feature(Features.NETWORK_QUALITY)
        self._policy = setup.call.feature(Features.RECEIVE_POLICY)
        captions = setup.call.feature(Features.CAPTIONS).captions
        self._transcriptions = Transcriptions(captions, self._transcribed)
        self._control = ReceiveControl(self._policy, setup.bandwidth_profile, self._tasks)
        self._local = LocalParticipant(
            self._streams,
            setup.identity,
            setup.network_quality,
            setup.sending,
            self._control,
            self._tasks,
        )
        pairs = zip(self._streams.local_publications, setup.tracks, strict=True)
        for core, track in pairs:
            self._local.add(core, track)
        self._participants: dict[str, RemoteParticipant] = {}
        self._participant_map = LiveMap(self._participants)
        for endpoint in self._streams.endpoints:
            if endpoint.state is not ConnectionState.CONNECTING:
                self._admit(endpoint)
        self._dominant_speaker = self._find_dominant_speaker()
        for emitter, event, listener in self._subscriptions():
            emitter.on(event, listener)
        self._catch_up()
        if setup.receive_transcriptions and self._state is not RoomState.DISCONNECTED:
            self._tasks.spawn(self._transcriptions.start(), "start transcriptions")

    @property
    def sid(self) -> str:
        """`RM` and 32 hex digits; the same for everybody in the room."""
        return f"RM{self._setup.call_id}"

    @property
    def name(self) -> str:
        """What `connect` called it, or its SID."""
        return self._setup.name

    @property
    def state(self) -> RoomState:
        """Whether the room can be reached."""
        return self._state

    @property
    def local_participant(self) -> LocalParticipant:
        """The participant that is this program."""
        return self._local

    @property
    def participants(self) -> LiveMap[RemoteParticipant]:
        """The others by SID, in order of arrival; live. They stay after `disconnect`."""
        return self._participant_map

    @property
    def dominant_speaker(self) -> RemoteParticipant | None:
        """Who speaks most; None without option `dominantSpeaker`, or in silence."""
        return self._dominant_speaker

    @property
    def is_recording(self) -> bool:
        """Whether the room is recorded."""
        return self._streams.is_recording

    @property
    def media_region(self) -> str:
        """Where the media server is; always "self-hosted"."""
        return REGION

    def disconnect(self) -> Self:
        """Leave the room. Everything that listeners hear of it, they hear before this returns.

        The network part goes on in the background; `closed` waits for it. Repeating is harmless.
        """
        self._end(None)
        return self

    def emit(self, event: str, *arguments: object) -> bool:
        """Call the listeners of an event; after "disconnected" there is none, and False.

        A listener may leave the room in the middle of what it is told; the rest is not told then.
        """
        return not self._is_told_over and super().emit(event, *arguments)

    async def closed(self) -> None:
        """Wait until the room is left and its devices are let go of (ours).

        Coroutine listeners that still run then have `LISTENER_GRACE` seconds to finish.
        """
        await self._closed.wait()

    async def get_stats(self) -> list[StatsReport]:
        """Measurements of all tracks: one report, or none after the room is over."""
        if self._state is RoomState.DISCONNECTED:
            return []
        remote = [
            publication
            for participant in self._participants.values()
            for publication in participant.tracks.values()
        ]
        local = self._local.tracks.values()
        return [stats_report(f"PC{self._setup.call.id}", local, remote, now=time.time())]

    def refresh_inactive_media(self) -> Self:
        """Restart what a browser muted; sources here do not get muted, so nothing is done."""
        return self

    def to_json(self) -> dict[str, object]:
        """Public attributes, for logs."""
        return {
            "name": self.name,
            "sid": self.sid,
            "state": str(self.state),
            "localParticipant": self._local.to_json(),
            "participants": {sid: one.to_json() for sid, one in self._participants.items()},
        }

    def to_string(self) -> str:
        """Class, instance number and SID."""
        return f"[Room #{self._number}: {self.sid}]"

    def __str__(self) -> str:
        return self.to_string()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.disconnect()
        await self.closed()

    # ------------------------------------------------------------ what `acs_core` says

    def _subscriptions(self) -> list[tuple[Emitter, str, Listener]]:
        """Which event of which feature goes where."""
        streams = self._streams
        subscriptions: list[tuple[Emitter, str, Listener]] = [
            (streams, StreamsEvent.ENDPOINT_ADDED, self._endpoint_added),
            (streams, StreamsEvent.ENDPOINT_REMOVED, self._endpoint_removed),
            (streams, StreamsEvent.ENDPOINT_STATE_CHANGED, self._endpoint_changed),
            (streams, StreamsEvent.PUBLICATION_ADDED, self._publication_added),
            (streams, StreamsEvent.PUBLICATION_REMOVED, self._publication_removed),
            (streams, StreamsEvent.PUBLICATION_CHANGED, self._publication_changed),
            (streams, StreamsEvent.SUBSCRIBED, self._subscribed),
            (streams, StreamsEvent.UNSUBSCRIBED, self._unsubscribed),
            (streams, StreamsEvent.DATA_RECEIVED, self._data_received),
            (streams, StreamsEvent.LOCAL_PUBLICATION_FAILED, self._local_failed),
            (streams, StreamsEvent.RECORDING_CHANGED, self._recording_changed),
            (streams, StreamsEvent.RECORDED_MEDIA_CHANGED, self._recorded_media_changed),
            (self._policy, ReceivePolicyEvent.FORWARDING_CHANGED, self._forwarding_changed),
            (self._qualities, NetworkQualityEvent.LEVEL_CHANGED, self._quality_changed),
            (self._setup.call, CallEvent.STATE_CHANGED, self._call_changed),
        ]
        reconnection = self._setup.call.feature(Features.RECONNECTION)
        subscriptions.append((reconnection, ReconnectionEvent.RECONNECTING, self._reconnecting))
        subscriptions.append((reconnection, ReconnectionEvent.RECONNECTED, self._reconnected))
        event = DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED
        subscriptions.append((self._speakers, event, self._speakers_changed))
        return subscriptions

    def _endpoint_added(self, endpoint: RemoteEndpoint) -> None:
        if endpoint.state is ConnectionState.CONNECTING:
            return  # Twilio shows participants from "connected" on.
        self.emit(RoomEvent.PARTICIPANT_CONNECTED, self._admit(endpoint))

    def _endpoint_changed(self, endpoint: RemoteEndpoint) -> None:
        participant = self._of(endpoint)
        if participant is None:
            self._endpoint_added(endpoint)
        else:
            participant.set_state(ParticipantState(str(endpoint.state)))

    def _endpoint_removed(self, endpoint: RemoteEndpoint, _reason: EndReason) -> None:
        participant = self._of(endpoint)
        if participant is None:
            return
        participant._left()
        del self._participants[participant.sid]
        self.emit(RoomEvent.PARTICIPANT_DISCONNECTED, participant)
        self._speakers_changed()

    def _publication_added(self, core: RemotePublication) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._published(core)

    def _publication_removed(self, core: RemotePublication) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._unpublished(core)

    def _publication_changed(self, core: RemotePublication, what: frozenset[str]) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._changed(core, what)

    def _subscribed(self, core: RemotePublication) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._subscribed(core)

    def _unsubscribed(self, core: RemotePublication) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._unsubscribed(core)

    def _data_received(self, core: RemotePublication, data: str | bytes) -> None:
        if (participant := self._of(core.endpoint)) is not None:
            participant._received(core, data)

    def _local_failed(self, core: LocalPublication, error: CallingError) -> None:
        self._local._failed(core, error)

    def _recording_changed(self) -> None:
        started = self._streams.is_recording
        self.emit(RoomEvent.RECORDING_STARTED if started else RoomEvent.RECORDING_STOPPED)

    def _recorded_media_changed(self, core: LocalPublication, is_missing: bool) -> None:
        if NotifyWarning.RECORDING_MEDIA_LOST not in self._setup.warnings:
            return
        name = (str(NotifyWarning.RECORDING_MEDIA_LOST),) if is_missing else ()
        publication = self._local._warned(core, *name)
        if publication is not None:
            event = RoomEvent.TRACK_WARNING if is_missing else RoomEvent.TRACK_WARNINGS_CLEARED
            self.emit(event, *name, publication, self._local)

    def _transcribed(self, transcription: TranscriptionEvent) -> None:
        self.emit(RoomEvent.TRANSCRIPTION, transcription)

    def _forwarding_changed(self, changes: tuple[Forwarding, ...]) -> None:
        for change in changes:
            core = self._streams.publications.get(change.publication)
            participant = None if core is None else self._of(core.endpoint)
            if core is not None and participant is not None:
                participant._forwarded(core)

    def _quality_changed(self, endpoint_id: str | None, quality: QualityLevel) -> None:
        configuration = self._local.network_quality_configuration
        if configuration is None:
            return
        if endpoint_id is None:
            self._local.set_network_quality(quality, verbosity=configuration.local)
        elif (participant := self._participants.get(f"PA{endpoint_id}")) is not None:
            participant.set_network_quality(quality, verbosity=configuration.remote)

    def _speakers_changed(self) -> None:
        speaker = self._find_dominant_speaker()
        if speaker is not self._dominant_speaker:
            self._dominant_speaker = speaker
            self.emit(RoomEvent.DOMINANT_SPEAKER_CHANGED, speaker)

    def _reconnecting(self, error: CallingError) -> None:
        self._state = RoomState.RECONNECTING
        self._later(RoomState.RECONNECTING, RoomEvent.RECONNECTING, lost_error(error))

    def _reconnected(self) -> None:
        self._state = RoomState.CONNECTED
        self._later(RoomState.CONNECTED, RoomEvent.RECONNECTED)

    def _call_changed(self) -> None:
        call = self._setup.call
        if call.state is CallState.DISCONNECTED:
            self._end(ended_error(call), is_local=False)

    # ------------------------------------------------------------ inside

    def _catch_up(self) -> None:
        """Take what happened between the call's being connected and this room."""
        for endpoint_id in (None, *(endpoint.id for endpoint in self._streams.endpoints)):
            quality = self._qualities.level(endpoint_id or self._setup.call.id)
            if quality is not None:
                self._quality_changed(endpoint_id, quality)
        cause = self._setup.call.feature(Features.RECONNECTION).cause
        if cause is not None:
            self._reconnecting(cause)
        self._call_changed()

    def _admit(self, endpoint: RemoteEndpoint) -> RemoteParticipant:
        participant = RemoteParticipant(endpoint, self.emit, self._control, self._tasks)
        self._participants[participant.sid] = participant
        return participant

    def _of(self, endpoint: RemoteEndpoint) -> RemoteParticipant | None:
        return self._participants.get(f"PA{endpoint.id}")

    def _find_dominant_speaker(self) -> RemoteParticipant | None:
        """The first remote endpoint of the ranking: Twilio never names the local participant."""
        dominant = self._speakers.dominant_endpoint
        if not self._setup.dominant_speaker or dominant is None:
            return None
        if dominant != self._setup.call.id and f"PA{dominant}" not in self._participants:
            return None  # It left; the service says who follows.
        found = (self._participants.get(f"PA{endpoint}") for endpoint in self._speakers.ranking)
        return next((participant for participant in found if participant is not None), None)

    def _later(self, state: RoomState, event: RoomEvent, *arguments: object) -> None:
        """Tell on a later tick, as Twilio does, unless the state changed back until then."""

        def tell() -> None:
            if self._state is state and self._told_state is not state:
                self._told_state = state
                self._local.set_state(ParticipantState(str(state)))
                self.emit(event, *arguments)

        asyncio.get_running_loop().call_soon(tell)

    def _end(self, error: TwilioError | None, *, is_local: bool = True) -> None:
        if self._state is RoomState.DISCONNECTED:
            return
        self._state = RoomState.DISCONNECTED
        for emitter, event, listener in self._subscriptions():
            emitter.off(event, listener)
        self._transcriptions.stop()
        if self._setup.lifecycle is not None:
            self._setup.lifecycle.closed(error, is_local=is_local)
        self._local.set_state(ParticipantState.DISCONNECTED)
        for track in self._setup.created:
            if not isinstance(track, LocalDataTrack):
                track.stop()
        for participant in self._participants.values():
            participant._unsubscribe_all()
        self.emit(RoomEvent.DISCONNECTED, self, error)
        self._is_told_over = True
        self._local._release()
        self._work.spawn(self._close(), f"close {self}")

    async def _close(self) -> None:
        try:
            await self._setup.close()
            for track in self._setup.created:
                if not isinstance(track, LocalDataTrack):
                    await track.closed()
        finally:
            # First, so that a listener which waits for it goes on.
            self._closed.set()
            await self._tasks.aclose(LISTENER_GRACE)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    localParticipant = local_participant
    dominantSpeaker = dominant_speaker
    isRecording = is_recording
    mediaRegion = media_region
    getStats = get_stats
    refreshInactiveMedia = refresh_inactive_media
    toJSON = to_json
    toString = to_string
