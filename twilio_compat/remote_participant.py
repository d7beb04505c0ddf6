"""Somebody else in a room, and the cascade of events that each happening causes.

Source: twilio-video.js 2.36, `lib/remoteparticipant.js`; the order of events from `lib/room.js`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, final

from acs_core.client.emitter import TaskOwner
from twilio_compat.events import (
    CASCADES,
    Happening,
    ParticipantEvent,
    RemoteParticipantEvent,
    RoomEvent,
    TrackEvent,
)
from twilio_compat.maps import LiveMap
from twilio_compat.participant import Participant, ParticipantState
from twilio_compat.publication import (
    AnyRemotePublication,
    RemoteAudioTrackPublication,
    RemoteDataTrackPublication,
    RemoteVideoTrackPublication,
    make_remote_publication,
)
from twilio_compat.receiving import ReceiveControl
from twilio_compat.remote_track import RemoteDataTrack, RemoteTrack

if TYPE_CHECKING:
    from acs_core.client.publications import RemoteEndpoint, RemotePublication

__all__ = ["RemoteParticipant"]

_OF_TRACKS: Final = {
    TrackEvent.STARTED: Happening.STARTED,
    TrackEvent.DIMENSIONS_CHANGED: Happening.DIMENSIONS_CHANGED,
}


@final
class RemoteParticipant(Participant):
    """Somebody else in a room.

    Args:
        endpoint: The endpoint of `acs_core`.
        tell_room: How the room is told what happens here.
        control: How its tracks influence what is received.
        tasks: Owner of coroutine listeners.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset(RemoteParticipantEvent)

    def __init__(
        self,
        endpoint: RemoteEndpoint,
        tell_room: Callable[..., object],
        control: ReceiveControl,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(endpoint.id, endpoint.display_name or str(endpoint.identifier), tasks)
        self._state = ParticipantState(str(endpoint.state))
        self._tell_room = tell_room
        self._control = control
        self._publications: dict[str, AnyRemotePublication] = {}
        self._audio: dict[str, RemoteAudioTrackPublication] = {}
        self._video: dict[str, RemoteVideoTrackPublication] = {}
        self._data: dict[str, RemoteDataTrackPublication] = {}
        self._tracks = LiveMap(self._publications)
        self._audio_tracks = LiveMap(self._audio)
        self._video_tracks = LiveMap(self._video)
        self._data_tracks = LiveMap(self._data)
        for core in endpoint.publications:
            publication = self._add_publication(core)
            if core.is_subscribed:
                self._observe(publication._subscribe())

    @property
    def tracks(self) -> LiveMap[AnyRemotePublication]:
        """All publications by SID, in the order of publishing."""
        return self._tracks

    @property
    def audio_tracks(self) -> LiveMap[RemoteAudioTrackPublication]:
        """Audio publications by SID."""
        return self._audio_tracks

    @property
    def video_tracks(self) -> LiveMap[RemoteVideoTrackPublication]:
        """Video publications by SID; a shared screen is one of them."""
        return self._video_tracks

    @property
    def data_tracks(self) -> LiveMap[RemoteDataTrackPublication]:
        """Data publications by SID."""
        return self._data_tracks

    # ------------------------------------------------------------ for `Room`

    def _published(self, core: RemotePublication) -> None:
        """A stream more is offered."""
        self._tell(Happening.PUBLISHED, self._add_publication(core))

    def _unpublished(self, core: RemotePublication) -> None:
        """A stream is no longer offered."""
        publication = self._find(core)
        if publication is None:
            return
        self._unsubscribe(publication)
        sid = publication.track_sid
        del self._publications[sid]
        self._audio.pop(sid, None)
        self._video.pop(sid, None)
        self._data.pop(sid, None)
        self._tell(Happening.UNPUBLISHED, publication)

    def _subscribed(self, core: RemotePublication) -> None:
        """A stream is received from now on."""
        publication = self._find(core)
        if publication is not None and not publication.is_subscribed:
            track = publication._subscribe()
            self._observe(track)
            self._tell(Happening.SUBSCRIBED, publication, track)

    def _unsubscribed(self, core: RemotePublication) -> None:
        """A stream is no longer received."""
        publication = self._find(core)
        if publication is not None:
            self._unsubscribe(publication)

    def _changed(self, core: RemotePublication, what: frozenset[str]) -> None:
        """A stream was enabled, disabled or given another priority."""
        publication = self._find(core)
        if publication is None:
            return
        if "enabled" in what:
            track = publication.track
            if track is not None and not isinstance(track, RemoteDataTrack):
                track._set_enabled(core.is_enabled)
            self._tell(Happening.ENABLED if core.is_enabled else Happening.DISABLED, publication)
        if "priority" in what:
            self._tell(Happening.PRIORITY_CHANGED, publication, publication.publish_priority)

    def _forwarded(self, core: RemotePublication) -> None:
        """The service holds a stream back, or sends it again."""
        publication = self._find(core)
        track = None if publication is None else publication.track
        if publication is None or track is None or isinstance(track, RemoteDataTrack):
            return  # A track begins with what is so when it is subscribed to.
        is_off = self._control.is_switched_off(core)
        if track._set_switched_off(is_off):
            happening = Happening.SWITCHED_OFF if is_off else Happening.SWITCHED_ON
            self._tell(happening, publication, track)

    def _received(self, core: RemotePublication, data: str | bytes) -> None:
        """A message came."""
        publication = self._find(core)
        track = None if publication is None else publication.track
        if isinstance(track, RemoteDataTrack):
            # The participant was the first to listen to its track.
            self._tell_of_track(Happening.MESSAGE, track, data)
            track._deliver(data)

    def set_state(self, state: ParticipantState) -> None:
        """Its reachability changed; tells participant and room."""
        before, self._state = self._state, state
        if before is state:
            return
        self.emit(str(state), self)
        if state is ParticipantState.RECONNECTING:
            # Twilio's room appends the participant to the event's own argument: it comes twice.
            self._tell_room(RoomEvent.PARTICIPANT_RECONNECTING, self, self)
        elif state is ParticipantState.CONNECTED:
            self.emit(ParticipantEvent.RECONNECTED)
            self._tell_room(RoomEvent.PARTICIPANT_RECONNECTED, self)

    def _left(self) -> None:
        """It left: its tracks go first, then its own listeners hear of it."""
        self._state = ParticipantState.DISCONNECTED
        self._unsubscribe_all()
        self.emit(ParticipantEvent.DISCONNECTED, self)

    def _unsubscribe_all(self) -> None:
        """No track is received any longer; the publications stay readable."""
        for publication in tuple(self._publications.values()):
            self._unsubscribe(publication)

    # ------------------------------------------------------------ inside

    def _add_publication(self, core: RemotePublication) -> AnyRemotePublication:
        publication = make_remote_publication(core, self._tasks, self._control)
        sid = publication.track_sid
        self._publications[sid] = publication
        match publication:
            case RemoteAudioTrackPublication():
                self._audio[sid] = publication
            case RemoteVideoTrackPublication():
                self._video[sid] = publication
            case RemoteDataTrackPublication():
                self._data[sid] = publication
        return publication

    def _find(self, core: RemotePublication) -> AnyRemotePublication | None:
        return next((one for one in self._publications.values() if one.core is core), None)

    def _unsubscribe(self, publication: AnyRemotePublication) -> None:
        track = publication._unsubscribe()
        if track is not None:
            track.unobserve(self._track_happened)
            self._tell(Happening.UNSUBSCRIBED, publication, track)

    def _observe(self, track: RemoteTrack) -> None:
        track.observe(self._track_happened)

    def _track_happened(self, track: object, event: TrackEvent) -> None:
        if event in _OF_TRACKS:
            self._tell_of_track(_OF_TRACKS[event], track)

    def _tell(
        self, happening: Happening, publication: AnyRemotePublication, *arguments: object
    ) -> None:
        """In the order of listeners in JavaScript; each level is given what lies inside it, too."""
        cascade = CASCADES[happening]
        own = cascade.publication
        if own is not None and not cascade.is_passed_on:
            publication.emit(own, *arguments)
        self.emit(cascade.participant, *arguments, publication)
        self._tell_room(cascade.room, *arguments, publication, self)
        if own is not None and cascade.is_passed_on:
            publication.emit(own, *arguments)

    def _tell_of_track(self, happening: Happening, track: object, *arguments: object) -> None:
        """As `_tell`, for what a track told itself and publications do not tell."""
        cascade = CASCADES[happening]
        self.emit(cascade.participant, *arguments, track)
        self._tell_room(cascade.room, *arguments, track, self)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    audioTracks = audio_tracks
    videoTracks = video_tracks
    dataTracks = data_tracks
