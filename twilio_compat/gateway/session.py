"""One participant of a room as the gateway sees it: an endpoint, its media, and who is told what.

Theory of operation. `connect` enters the room and is answered by `connected`; from then on the
client's updates become methods of the endpoint, and what the call says becomes updates. While the
socket is gone nothing is said: `synced` states everything anew, under the same revisions, ids and
labels. The session outlives its sockets by the session window.

Source: twilio-video.js 2.36 on the wire.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from msgspec.structs import replace

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import EndReason, Fact, RecordingChanged, SpeakersChanged
from acs_core.core.receiving import Forwarding
from acs_core.errors import CallingError, InvalidStateError, ServiceError, Stage
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal
from acs_core.service.rooms import RoomOptions
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.quality import ClientReport
from acs_core.service.sfu.transport import MediaTransport
from acs_core.service.transcription import Transcription
from twilio_compat.gateway.channels import MediaSignaling
from twilio_compat.gateway.media import Media, SfuMedia
from twilio_compat.gateway.messages import (
    RSP_VERSION,
    Connect,
    Sync,
    Update,
    bandwidth_profile,
    participant_sid,
    room_sid,
    track_sid,
)
from twilio_compat.gateway.participants import RemoteParticipants
from twilio_compat.gateway.publishing import LocalTracks
from twilio_compat.gateway.relayed_media import RelayedMedia, RelayedRoom
from twilio_compat.gateway.tcmp import CloseCode

__all__ = ["Outlet", "RoomSession", "SessionContext", "error_body", "farewell"]

_log = logging.getLogger(__name__)

TWILIO_CODES: Final = range(20000, 60000)
SIGNALING_ERROR: Final = 53000
# ACS's codes for who is not invited to a room, or comes outside its time; as the facade's errors.
ADMISSION_CODES: Final = {5828: 53104, 5829: 53106}


class Outlet(Protocol):
    """The socket that a session talks through; never blocks."""

    def send(self, body: dict[str, Any]) -> None:
        """Queue one message."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the socket after what was queued."""


@dataclass(frozen=True, slots=True)
class SessionContext:
    """What all sessions of a gateway share.

    Attributes:
        window: Seconds for which a session without socket is kept.
        audio_processors: Noise cancellation vendors that clients may use.
        on_over: Told of each session's end, once.
        relayed_room: What the participants of a peer-to-peer room share.
    """

    calls: Calls
    engine: SfuEngine
    window: float
    audio_processors: tuple[str, ...]
    on_over: Callable[[RoomSession], None]
    relayed_room: Callable[[ServerCall], RelayedRoom]


class RoomSession(EndpointObserver):
    """One participant; `connect` it once.

    Attributes:
        id: Opaque; a client that lost its socket goes on with it.
        principal: Who it is, by its newest token.
    """

    def __init__(self, context: SessionContext, principal: Principal, region: str) -> None:
        self.id = secrets.token_urlsafe(24)
        self.principal = principal
        self._region = region
        self._context = context
        self._outlet: Outlet | None = None
        self._endpoint: Endpoint | None = None
        self._media: Media | None = None
        self._signaling: MediaSignaling | None = None
        self._tracks = LocalTracks()
        self._remote: RemoteParticipants | None = None
        self._is_talking = False
        self._ending: EndReason | None = None
        self._recording_revision = 1
        self._warnings: dict[str, str] = {}
        self._warning_revision = 0
        self._wants_warnings = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether the participant has left or was removed."""
        return self._ending is not None

    @property
    def ending(self) -> EndReason | None:
        """Why the session is over; None while it is not."""
        return self._ending

    @property
    def outlet(self) -> Outlet | None:
        """The socket that carries the session; None while it is lost."""
        return self._outlet

    # ------------------------------------------------------------ what the client says

    def connect(self, message: Connect, outlet: Outlet) -> None:
        """Enter the room and say `connected`.

        Raises:
            CallingError: The room refuses, or the offer cannot be applied; nothing is left behind.
        """
        place = wire.RoomLocator(room=_room_name(message, self.principal))
        call = self._context.calls.resolve(place, self.principal)
        try:
            connected = self._enter(call, message)
            self._outlet = outlet
            outlet.send(connected)
            self._is_talking = True
            self._media_side.open()
            self._attach()
            self._in_call.refresh_subscriptions()
        except BaseException:
            self._outlet = None
            self.leave()
            self._context.calls.discard_if_empty(call)
            raise

    def update(self, message: Update) -> None:
        """Take what changed at the client.

        Raises:
            CallingError: A description cannot be applied; the session cannot go on.
        """
        if message.participant is not None and self._tracks.take(
            self._in_call, message.participant
        ):
            self.say(published=self._tracks.published())
            self._attach()
        if message.bandwidth_profile is not None:
            profile = bandwidth_profile(message.bandwidth_profile)
            self._in_call.set_policy(replace(self._in_call.policy, profile=profile))
        self._media_side.take(message.peer_connections)

    def sync(self, message: Sync, outlet: Outlet) -> None:
        """Go on over another socket, and say `synced`.

        Raises:
            CallingError: As for `update`.
        """
        self._stop_timer()
        if self._outlet is not None:
            # Not 1000, which would end the room for a client that still listens there.
            self._outlet.close(CloseCode.REPLACED, "The session continues elsewhere.")
        self._is_talking = False
        self._media_side.shut()
        self._outlet = outlet
        self._tracks.take(self._in_call, message.participant)
        self._media_side.take(message.peer_connections)
        outlet.send({"type": "synced", **self._state(self._media_side.resume())})
        self._is_talking = True
        self._warn()
        self._media_side.open()
        self._attach()
        self._report_reachability()
        self.align_soon()

    def leave(self) -> None:
        """The client leaves the room."""
        if self._endpoint is not None:
            self._endpoint.leave()
        self._finish(endings.HUNG_UP)

    def detached(self, outlet: Outlet) -> None:
        """A socket ended; without effect if the session goes on over another one."""
        if self._outlet is not outlet or self.is_over:
            return
        self._outlet = None
        self._is_talking = False
        self._media_side.shut()
        self._report_reachability()
        self._stop_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._context.window, self.remove, endings.LINK_LOST)

    def remove(self, reason: EndReason) -> None:
        """Take the participant out of the room, because it cannot be reached any more."""
        endpoint = self._endpoint
        if endpoint is not None:
            endpoint.call.remove(endpoint, reason, tell=False)
        self._finish(reason)

    def fail(self, error: CallingError) -> None:
        """The session cannot go on: tell the client why, and take it out."""
        if self._outlet is not None:
            self._outlet.send(error_body(error))
        self.remove(endings.MEDIA_LOST)

    async def close(self) -> None:
        """End the media, within 2 s."""
        if self._media is not None:
            await self._media.close()

    # ------------------------------------------------------------ what the call says

    @property
    def transports(self) -> Sequence[MediaTransport]:
        """The media connections as of now."""
        return () if self._media is None else self._media.transports

    @property
    def client_report(self) -> ClientReport | None:
        """What the client measured itself."""
        return None if self._signaling is None else self._signaling.client_report

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        """Tell who came, went, published or changed something."""
        if self._endpoint is None:
            # Entering: `connected` will state everything.
            return
        for fact in facts:
            self._on_fact(fact)

    def on_subscriptions(self) -> None:
        """Bring the connection in line with them, in a turn of its own."""
        self.align_soon()

    def on_forwarding(self, changes: tuple[Forwarding, ...]) -> None:
        """Tell which videos are switched off."""
        if self._signaling is not None:
            self._signaling.on_forwarding(changes)

    def on_layer_demand(self, publication: str, layers: tuple[bool, ...]) -> None:
        """Tell which layers are worth sending."""
        if self._signaling is not None:
            self._signaling.on_layer_demand(publication, layers)

    def on_transcription(self, transcription: Transcription) -> None:
        """Tell what somebody said."""
        if self._signaling is not None:
            self._signaling.on_transcription(transcription)

    def on_media_missing(self, publication: str, *, is_missing: bool) -> None:
        """Warn a client that wants to know that its track cannot be recorded."""
        self._warnings[publication] = "NO_MEDIA" if is_missing else "OK"
        self._warn()

    def on_ended(self, reason: EndReason) -> None:
        """The participant is out of the room: tell why."""
        if self._outlet is not None:
            self._outlet.send(farewell(reason))
        self._finish(reason)

    # ------------------------------------------------------------ MediaOwner

    def media_arrived(self) -> None:
        """Join tracks with media."""
        if self._endpoint is not None:
            self._attach()

    def liveness_changed(self) -> None:
        """The client's media fell silent, or is heard again."""
        self._report_reachability()

    def connection_closed(self) -> None:
        """The channels go with the connection."""
        if self._signaling is not None:
            self._signaling.forget()

    def connection_opened(self) -> None:
        """Open the channels and forward everything anew.

        The client takes an announcement only once it has closed the old channels.
        """
        if self._signaling is not None:
            self.say(media_signaling=self._signaling.announce())
        self._report_reachability()
        self.align_soon()

    def align_soon(self) -> None:
        """Bring the connection in line with the subscriptions, in a turn of its own."""
        self._context.engine.turns.add(self._align)

    def say(self, **fields: object) -> None:
        """Tell the client, in an `update`; nothing while it cannot be reached."""
        if self._is_talking and self._outlet is not None:
            self._outlet.send(
                {"type": "update", "version": RSP_VERSION, "session": self.id, **fields}
            )

    # ------------------------------------------------------------ entering

    def _enter(self, call: ServerCall, message: Connect) -> dict[str, Any]:
        endpoint_id = uuid.uuid4().hex
        policy = wire.ReceivePolicy(
            automatic=message.is_automatic,
            profile=None
            if message.bandwidth_profile is None
            else bandwidth_profile(message.bandwidth_profile),
        )
        options = call.room.options if call.room is not None else RoomOptions()
        candidate = Endpoint(endpoint_id, self.principal, call, self, policy)
        wanted = self._tracks.first(candidate, message.participant)
        self._wants_warnings = "recordings" in message.participant.media_warnings
        self._media = self._new_media(call, endpoint_id, options)
        answers = self._media.begin(message.peer_connections)
        self._endpoint = endpoint = call.join(
            endpoint_id, self.principal, self, policy=policy, publications=wanted
        )
        self._tracks.joined(item.info for item in endpoint.publications.values())
        self._remote = RemoteParticipants(endpoint_id, is_large=options.is_large)
        if isinstance(self._media, SfuMedia):
            self._signaling = MediaSignaling(
                endpoint,
                self._media.open_channel,
                on_unheard=lambda announced: self.say(media_signaling=announced),
            )
            self._signaling.announce(message.media_signaling)
        region = {} if options.kind.is_relayed else {"media_region": options.media_region}
        return {
            "type": "connected",
            **self._state(answers),
            "sid": room_sid(call.id),
            "name": (call.room.unique_name if call.room else None) or room_sid(call.id),
            "options": {
                "session_timeout": self._context.window,
                **region,
                "signaling_region": self._region,
                "audio_processors": list(self._context.audio_processors),
            },
        }

    def _state(self, connections: list[dict[str, Any]]) -> dict[str, Any]:
        """What `connected` and `synced` have in common: everything."""
        endpoint = self._in_call
        remote = self._remote
        assert remote is not None
        return {
            "version": RSP_VERSION,
            "session": self.id,
            "participant": {
                "sid": participant_sid(endpoint.id),
                "identity": self.principal.display_name,
            },
            "participants": remote.snapshot(endpoint.call.roster),
            "peer_connections": connections,
            "published": self._tracks.published(),
            "subscribed": self._media_side.subscribed(),
            "recording": self._recording(),
            "media_signaling": {} if self._signaling is None else self._signaling.announce(),
        }

    def _new_media(self, call: ServerCall, member: str, options: RoomOptions) -> Media:
        if options.kind.is_relayed:
            return RelayedMedia(self, self._context.relayed_room(call), member, self._tracks)
        return SfuMedia(self, self._context.engine, options, self._tracks)

    # ------------------------------------------------------------ going on

    def _on_fact(self, fact: Fact) -> None:
        if isinstance(fact, RecordingChanged):
            self._recording_revision += 1
            self.say(recording=self._recording())
        elif isinstance(fact, SpeakersChanged):
            if self._signaling is not None:
                self._signaling.on_speakers(fact)
        elif self._remote is not None:
            entries = self._remote.changed(self._in_call.call.roster, fact)
            if entries:
                self.say(participants=entries)

    def _warn(self) -> None:
        """Say which of the client's own tracks cannot be recorded, if it wants to know."""
        published = self._in_call.publications
        self._warnings = {key: item for key, item in self._warnings.items() if key in published}
        if self._wants_warnings and self._warnings and self._is_talking and self._outlet:
            self._warning_revision += 1
            tracks = {track_sid(key): {"recordings": item} for key, item in self._warnings.items()}
            states = {"revision": self._warning_revision, "tracks": tracks}
            self._outlet.send({"type": "warning", "version": RSP_VERSION, "states": states})

    def _recording(self) -> dict[str, Any]:
        is_recording = self._in_call.call.roster.is_recording
        return {"revision": self._recording_revision, "is_recording": is_recording}

    def _attach(self) -> None:
        if self._in_call.is_in_call:
            self._media_side.attach(self._in_call)

    def _align(self) -> None:
        if self._is_talking and self._in_call.is_in_call:
            self._media_side.align(self._in_call.subscriptions)

    def _report_reachability(self) -> None:
        if self._endpoint is not None:
            is_heard = not any(transport.is_silent for transport in self.transports)
            self._endpoint.set_reachable(is_reachable=self._outlet is not None and is_heard)

    # ------------------------------------------------------------ the end

    def _finish(self, reason: EndReason) -> None:
        if self._ending is not None:
            return
        self._ending = reason
        self._is_talking = False
        self._stop_timer()
        if self._signaling is not None:
            self._signaling.close()
        if self._media is not None:
            self._media.end()
        self._context.on_over(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _in_call(self) -> Endpoint:
        if self._endpoint is None:
            raise InvalidStateError("The session is not in a room.", stage=Stage.SIGNALING)
        return self._endpoint

    @property
    def _media_side(self) -> Media:
        assert self._media is not None
        return self._media


def error_body(error: CallingError) -> dict[str, Any]:
    """A terminal `error` with Twilio's code for what went wrong."""
    code = ADMISSION_CODES.get(error.sub_code, error.sub_code)
    code = code if code in TWILIO_CODES else SIGNALING_ERROR
    return {"type": "error", "version": RSP_VERSION, "code": code, "message": error.message}


def farewell(reason: EndReason) -> dict[str, Any]:
    """The last thing that a client is told when it did not leave by itself."""
    if reason == endings.ROOM_COMPLETED:
        return {"type": "disconnected", "version": RSP_VERSION, "status": "completed"}
    if reason.sub_code in TWILIO_CODES:
        return error_body(ServiceError(reason.message, sub_code=reason.sub_code))
    return {"type": "disconnected", "version": RSP_VERSION, "status": "disconnected"}


def _room_name(message: Connect, principal: Principal) -> str:
    """The room that is meant; a token for one room names it where the client does not."""
    if message.name:
        return message.name
    rooms: Mapping[str, None] = dict.fromkeys(principal.rooms or ())
    return next(iter(rooms)) if len(rooms) == 1 else ""
