"""What a room or a call tells, written down in Twilio's words.

The facade's room tells it in these words; a call of `acs_core` tells it in the words of its
features, and this is the translation. It does not use the facade's own: a comparison with what it
compares would say nothing.

Source: twilio-video.js 2.36, `lib/room.js`, for the arguments of events; the ACS table of call end
codes and Twilio's error dictionary for the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from acs_core import (
    Call,
    CallEvent,
    CallingError,
    CallState,
    ConnectionState,
    DominantSpeakersEvent,
    Features,
    Forwarding,
    PublicationKind,
    ReceivePolicyEvent,
    ReconnectionEvent,
    RemoteEndpoint,
    RemotePublication,
    Stage,
    StreamsEvent,
)
from mapping.compare.vocabulary import (
    EVENTS,
    described_data,
    described_error,
    described_participant,
    described_publication,
    described_room,
    described_track,
)
from twilio_compat import Room, TwilioError

__all__ = ["Hear", "describe", "error_code", "listen_to_call", "listen_to_room"]

Hear: TypeAlias = Callable[[str, list[Any]], None]
"""Called with an event and its described arguments."""

_TWILIO_CODES: Final[Mapping[int, int | None]] = {
    0: None,  # Somebody hung up.
    5300: None,  # Removed: the vendor's client gives no error then.
    5317: None,
    4097: 53118,
    301005: 53405,
}
"""Sub code of a call's end -> Twilio's code; the others are equal."""

_SIGNALING_LOST: Final = 53001
_MEDIA_LOST: Final = 53405


def describe(value: Any) -> Any:
    """A value of the facade, as `vocabulary` writes it."""
    if isinstance(value, TwilioError):
        return described_error(value.code, value.message)
    if isinstance(value, str | bytes):
        return described_data(value) if isinstance(value, bytes) else str(value)
    if isinstance(value, Room):
        return described_room(value.name, value.sid)
    if hasattr(value, "identity"):
        return described_participant(value.identity, value.sid)
    if hasattr(value, "track_name"):
        return described_publication(value.kind, value.track_name, value.track_sid)
    if hasattr(value, "kind") and hasattr(value, "sid"):
        return described_track(value.kind, value.name, value.sid)
    return value


def listen_to_room(room: Room, hear: Hear) -> Callable[[], None]:
    """Hear what a room of the facade tells; returns what ends that.

    What is subscribed to already is heard at once, as programs handle it: whether a track of
    somebody who was there first comes before or after `connect` is nobody's promise.
    """

    def listener(event: str) -> Callable[..., None]:
        return lambda *args: hear(event, [describe(one) for one in args])

    listeners = {event: listener(event) for event in sorted(EVENTS)}
    for event, one in listeners.items():
        room.on(event, one)
    for participant in room.participants.values():
        for publication in participant.tracks.values():
            if publication.track is not None:
                told = (publication.track, publication, participant)
                hear("trackSubscribed", [describe(one) for one in told])

    def forget() -> None:
        for event, one in listeners.items():
            room.off(event, one)

    return forget


def listen_to_call(
    call: Call, hear: Hear, *, room: Mapping[str, Any], dominant_speaker: bool = True
) -> Callable[[], None]:
    """Hear what a connected call tells, as `listen_to_room`; returns what ends that.

    Args:
        call: Connected.
        hear: Called with each event.
        room: What the call is in, as `described_room` gives it.
        dominant_speaker: Whether it is told; Twilio's programs ask for it.
    """
    return _Translator(call, hear, room, dominant_speaker).forget


def error_code(error: CallingError) -> int | None:
    """Twilio's code of an error of `acs_core`; the class decides where no table does."""
    if error.sub_code in _TWILIO_CODES:
        known = _TWILIO_CODES[error.sub_code]
        return error.code or None if known is None else known
    return error.sub_code or error.code


class _Translator:
    """One call's listeners."""

    def __init__(
        self, call: Call, hear: Hear, room: Mapping[str, Any], dominant_speaker: bool
    ) -> None:
        self._call = call
        self._hear = hear
        self._room = dict(room)
        self._streams = call.feature(Features.STREAMS)
        self._speakers = call.feature(Features.DOMINANT_SPEAKERS)
        self._policy = call.feature(Features.RECEIVE_POLICY)
        self._is_over = False
        self._here = {
            one.id for one in self._streams.endpoints if one.state is not ConnectionState.CONNECTING
        }
        self._subscribed: dict[str, RemotePublication] = {
            one.id: one for one in self._streams.publications.values() if one.is_subscribed
        }
        self._off: set[str] = set()
        self._speaker: str | None = None
        self._listeners = [*self._of_streams(), *self._of_call(dominant_speaker)]
        for emitter, event, listener in self._listeners:
            emitter.on(event, listener)
        for publication in self._subscribed.values():
            self._track("trackSubscribed", publication)

    def forget(self) -> None:
        """Hear nothing more."""
        for emitter, event, listener in self._listeners:
            emitter.off(event, listener)
        self._listeners = []

    def _of_streams(self) -> list[tuple[Any, str, Callable[..., None]]]:
        streams = self._streams
        return [
            (streams, StreamsEvent.ENDPOINT_ADDED, self._endpoint_changed),
            (streams, StreamsEvent.ENDPOINT_STATE_CHANGED, self._endpoint_changed),
            (streams, StreamsEvent.ENDPOINT_REMOVED, self._endpoint_removed),
            (streams, StreamsEvent.PUBLICATION_ADDED, self._about("trackPublished")),
            (streams, StreamsEvent.PUBLICATION_REMOVED, self._about("trackUnpublished")),
            (streams, StreamsEvent.PUBLICATION_CHANGED, self._publication_changed),
            (streams, StreamsEvent.SUBSCRIBED, self._subscribe),
            (streams, StreamsEvent.UNSUBSCRIBED, self._unsubscribe),
            (streams, StreamsEvent.DATA_RECEIVED, self._data_received),
            (streams, StreamsEvent.RECORDING_CHANGED, self._recording_changed),
        ]

    def _of_call(self, dominant_speaker: bool) -> list[tuple[Any, str, Callable[..., None]]]:
        reconnection = self._call.feature(Features.RECONNECTION)
        listeners: list[tuple[Any, str, Callable[..., None]]] = [
            (self._policy, ReceivePolicyEvent.FORWARDING_CHANGED, self._forwarding_changed),
            (reconnection, ReconnectionEvent.RECONNECTING, self._reconnecting),
            (reconnection, ReconnectionEvent.RECONNECTED, lambda: self._hear("reconnected", [])),
            (self._call, CallEvent.STATE_CHANGED, self._state_changed),
        ]
        if dominant_speaker:
            event = DominantSpeakersEvent.DOMINANT_SPEAKERS_CHANGED
            listeners.append((self._speakers, event, self._speakers_changed))
        return listeners

    # ------------------------------------------------------------ participants

    def _endpoint_changed(self, endpoint: RemoteEndpoint) -> None:
        participant = _participant(endpoint)
        if endpoint.id not in self._here:
            # Twilio shows participants from "connected" on.
            if endpoint.state is not ConnectionState.CONNECTING:
                self._here.add(endpoint.id)
                self._hear("participantConnected", [participant])
        elif endpoint.state is ConnectionState.RECONNECTING:
            # Twilio's room appends the participant to an argument that it is already.
            self._hear("participantReconnecting", [participant, participant])
        elif endpoint.state is ConnectionState.CONNECTED:
            self._hear("participantReconnected", [participant])

    def _endpoint_removed(self, endpoint: RemoteEndpoint, _reason: object) -> None:
        if endpoint.id in self._here:
            self._here.remove(endpoint.id)
            self._hear("participantDisconnected", [_participant(endpoint)])
            if self._speaker == endpoint.id:
                self._speakers_changed()

    def _speakers_changed(self) -> None:
        """Twilio never names the local participant: the next one of the ranking speaks most."""
        known = {one.id: one for one in self._streams.endpoints}
        speaker = None
        if self._speakers.dominant_endpoint is not None:
            speaker = next((one for one in self._speakers.ranking if one in known), None)
        if speaker != self._speaker:
            self._speaker = speaker
            told = None if speaker is None else _participant(known[speaker])
            self._hear("dominantSpeakerChanged", [told])

    # ------------------------------------------------------------ publications

    def _about(self, event: str) -> Callable[[RemotePublication], None]:
        return lambda publication: self._hear(
            event, [_publication(publication), _participant(publication.endpoint)]
        )

    def _publication_changed(self, publication: RemotePublication, what: frozenset[str]) -> None:
        if "enabled" in what:
            self._about("trackEnabled" if publication.is_enabled else "trackDisabled")(publication)
        if "priority" in what:
            self._hear(
                "trackPublishPriorityChanged",
                [
                    str(publication.priority),
                    _publication(publication),
                    _participant(publication.endpoint),
                ],
            )

    def _subscribe(self, publication: RemotePublication) -> None:
        self._subscribed[publication.id] = publication
        self._track("trackSubscribed", publication)

    def _unsubscribe(self, publication: RemotePublication) -> None:
        if self._subscribed.pop(publication.id, None) is not None:
            self._off.discard(publication.id)
            self._track("trackUnsubscribed", publication)

    def _forwarding_changed(self, changes: tuple[Forwarding, ...]) -> None:
        for change in changes:
            publication = self._subscribed.get(change.publication)
            if publication is None or change.is_on is (change.publication not in self._off):
                continue
            if change.is_on:
                self._off.remove(change.publication)
            else:
                self._off.add(change.publication)
            self._track("trackSwitchedOn" if change.is_on else "trackSwitchedOff", publication)

    def _track(self, event: str, publication: RemotePublication) -> None:
        about = [_publication(publication), _participant(publication.endpoint)]
        self._hear(event, [_track(publication), *about])

    def _data_received(self, publication: RemotePublication, data: str | bytes) -> None:
        about = [_track(publication), _participant(publication.endpoint)]
        self._hear("trackMessage", [described_data(data), *about])

    # ------------------------------------------------------------ the call

    def _recording_changed(self) -> None:
        self._hear("recordingStarted" if self._streams.is_recording else "recordingStopped", [])

    def _reconnecting(self, error: CallingError) -> None:
        code = _SIGNALING_LOST if error.stage is Stage.SIGNALING else _MEDIA_LOST
        self._hear("reconnecting", [described_error(code, error.message)])

    def _state_changed(self) -> None:
        if self._call.state is not CallState.DISCONNECTED or self._is_over:
            return
        self._is_over = True
        for publication in tuple(self._subscribed.values()):
            self._unsubscribe(publication)
        reason = self._call.call_end_reason
        code = None if reason is None else _TWILIO_CODES.get(reason.sub_code, reason.sub_code)
        error = None if code is None else described_error(code, reason.message if reason else "")
        self._hear("disconnected", [self._room, error])


def _participant(endpoint: RemoteEndpoint) -> dict[str, Any]:
    return described_participant(endpoint.display_name, f"PA{endpoint.id}")


def _kind(publication: RemotePublication) -> str:
    is_screen = publication.kind is PublicationKind.SCREEN
    return "video" if is_screen else str(publication.kind)


def _publication(publication: RemotePublication) -> dict[str, Any]:
    return described_publication(_kind(publication), publication.name, f"MT{publication.id}")


def _track(publication: RemotePublication) -> dict[str, Any]:
    return described_track(_kind(publication), publication.name, f"MT{publication.id}")
