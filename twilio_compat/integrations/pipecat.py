"""A Pipecat transport: a bot's pipeline as a participant of a room.

    transport = TwilioCompatTransport(token, "daily", service_url, TwilioCompatParams(...))
    pipeline = Pipeline([transport.input(), stt, llm, tts, transport.output()])

What participants say and show enters the pipeline, what leaves it is the bot's voice, picture and
messages. Install with ``pip install 'twilio-compat[pipecat]'``.

Source: Pipecat 1.14, `pipecat.transports.base_transport`, `base_input` and `base_output`.
"""

from __future__ import annotations

import json
from typing import Any

from twilio_compat.integrations import IntegrationUnavailableError

try:
    from pipecat.frames.frames import BotConnectedFrame, ClientConnectedFrame
    from pipecat.transports.base_transport import BaseTransport
except ImportError as error:
    raise IntegrationUnavailableError(
        f"Pipecat cannot be imported: {error}.",
        next_step="Install it with: pip install 'twilio-compat[pipecat]'",
    ) from error

from twilio_compat.errors import TwilioError
from twilio_compat.integrations.pipecat_input import RoomInput
from twilio_compat.integrations.pipecat_output import RoomOutput
from twilio_compat.integrations.pipecat_room import RoomSession, TwilioCompatParams
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteTrack
from twilio_compat.room import Room

__all__ = ["TwilioCompatParams", "TwilioCompatTransport"]

EVENTS = (
    "on_connected",
    "on_disconnected",
    "on_reconnecting",
    "on_reconnected",
    "on_first_participant_joined",
    "on_participant_connected",
    "on_participant_disconnected",
    "on_client_connected",
    "on_client_disconnected",
    "on_message",
    "on_app_message",
)


class TwilioCompatTransport(BaseTransport):
    """A room for a pipeline.

    Its events, each with the transport as first argument:

    - ``on_connected()``, ``on_disconnected()``: the bot is in the room, or is not any more;
      `disconnect_error` says why.
    - ``on_reconnecting()``, ``on_reconnected()``: the network was lost and found.
    - ``on_participant_connected(identity)``, ``on_participant_disconnected(identity)``, and
      ``on_first_participant_joined(identity)`` once; whoever is there before the bot counts.
    - ``on_client_connected(participant)``, ``on_client_disconnected(participant)``: the same with
      the `RemoteParticipant`, which `get_client_id` takes.
    - ``on_message(message, identity)``: any message of a data track, text or bytes.
    - ``on_app_message(message, identity)``: one that is a JSON object; it also enters the
      pipeline as `InputTransportMessageFrame`, in both directions.

    Args:
        token: An access token of the bot.
        room_name: The room; empty for the room of the token.
        service_url: Where the calling service is; None for `CALLING_SERVICE_URL`.
        params: What goes in and out; nothing by default, as in every Pipecat transport.
        input_name: Of the input processor.
        output_name: Of the output processor.
    """

    def __init__(
        self,
        token: str,
        room_name: str,
        service_url: str | None = None,
        params: TwilioCompatParams | None = None,
        *,
        input_name: str | None = None,
        output_name: str | None = None,
    ) -> None:
        super().__init__(input_name=input_name, output_name=output_name)
        self._params = params or TwilioCompatParams()
        self._session = RoomSession(token, room_name, service_url, self._params, self)
        self._room_input: RoomInput | None = None
        self._room_output: RoomOutput | None = None
        self._had_participant = False
        for event in EVENTS:
            self._register_event_handler(event)

    @property
    def room(self) -> Room | None:
        """The room with everything it offers; None before it is entered."""
        return self._session.room

    @property
    def disconnect_error(self) -> TwilioError | None:
        """Why the room was left; None when this side left, and while it is in the room."""
        return self._session.error

    def input(self) -> RoomInput:
        """The processor to begin the pipeline with; always the same one."""
        if self._room_input is None:
            self._room_input = RoomInput(self, self._session, self._params, self._input_name)
        return self._room_input

    def output(self) -> RoomOutput:
        """The processor to end the pipeline with; always the same one."""
        if self._room_output is None:
            self._room_output = RoomOutput(self, self._session, self._params, self._output_name)
        return self._room_output

    def get_client_id(self, client: Any) -> str:
        """The identity of the participant that `on_client_connected` was called with."""
        return str(client.identity)

    async def capture_participant_video(
        self,
        participant_id: str,
        framerate: int | None = 30,
        video_source: str = "camera",
        *,
        on_request_only: bool = False,
    ) -> None:
        """Pass on a participant's pictures at another rate than the params say.

        Args:
            participant_id: Identity.
            framerate: Pictures per second at most; None for every picture.
            video_source: "camera" or "screenVideo".
            on_request_only: Only the pictures that answer a `UserImageRequestFrame`.
        """
        rate = 0 if on_request_only else framerate
        await self.input().capture(participant_id, video_source, rate)

    async def send_message(self, message: Any) -> None:
        """Send a message at once; objects become JSON, text and bytes stay what they are."""
        self._session.send(message)

    # ------------------------------------------------------------ for `RoomSession`

    async def entered(self, room: Room) -> None:
        """The bot is in the room."""
        there = tuple(room.participants.values())  # Who comes meanwhile is told by an event.
        await self._call_event_handler("on_connected")
        if self._room_input is not None:
            await self._room_input.push_frame(BotConnectedFrame())
        for participant in there:
            await self.joined(participant)

    async def left(self) -> None:
        """The bot is not in the room any more."""
        await self._call_event_handler("on_disconnected")

    async def reconnecting(self) -> None:
        """The network was lost."""
        await self._call_event_handler("on_reconnecting")

    async def reconnected(self) -> None:
        """The network is back."""
        await self._call_event_handler("on_reconnected")

    async def joined(self, participant: RemoteParticipant) -> None:
        """Somebody is in the room."""
        if not self._had_participant:
            self._had_participant = True
            await self._call_event_handler("on_first_participant_joined", participant.identity)
        await self._call_event_handler("on_participant_connected", participant.identity)
        await self._call_event_handler("on_client_connected", participant)
        if self._room_input is not None:
            await self._room_input.push_frame(ClientConnectedFrame())

    async def parted(self, participant: RemoteParticipant) -> None:
        """Somebody is not in the room any more."""
        await self._call_event_handler("on_participant_disconnected", participant.identity)
        await self._call_event_handler("on_client_disconnected", participant)

    async def track_came(self, track: RemoteTrack, participant: RemoteParticipant) -> None:
        """A track is received from now on."""
        if self._room_input is not None:
            await self._room_input.read(track, participant)

    async def track_went(self, track: RemoteTrack) -> None:
        """A track is not received any more."""
        if self._room_input is not None:
            await self._room_input.forget(track)

    async def told(self, message: str | bytes, participant: RemoteParticipant) -> None:
        """A message arrived."""
        await self._call_event_handler("on_message", message, participant.identity)
        try:
            content = json.loads(message)
        except ValueError:
            return  # Text or bytes of the application's own; `on_message` has it.
        if not isinstance(content, dict):
            return
        if self._room_input is not None:
            await self._room_input.pass_on(content)
        await self._call_event_handler("on_app_message", content, participant.identity)
