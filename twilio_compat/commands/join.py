"""`twilio-compat join`: a participant without a screen, who says who is here and what arrives."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from acs_core.errors import InvalidArgumentError, Stage
from twilio_compat.commands.arrivals import Arrival, Arrivals
from twilio_compat.commands.client_support import (
    NONE,
    Access,
    load_access,
    media_option,
    stop_signals,
)
from twilio_compat.commands.join_output import JoinOutput, make_output
from twilio_compat.connect import connect
from twilio_compat.errors import TwilioError
from twilio_compat.events import RoomEvent
from twilio_compat.recording import Recording
from twilio_compat.recording import record as start_recording
from twilio_compat.room import Room
from twilio_compat.room_recording import RoomRecording

__all__ = ["register"]

SAMPLE_INTERVAL: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What to do in the room.

    Attributes:
        audio: Option of `connect`.
        video: Option of `connect`.
        seconds: How long to stay; None until told to leave.
    """

    room: str
    identity: str
    audio: bool | dict[str, Any]
    video: bool | dict[str, Any]
    seconds: float | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(join)


def join(
    room: Annotated[str, typer.Argument(help="Name or SID of the room.")],
    identity: Annotated[
        str | None, typer.Option(help="Who to be; a random name if not given.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Of the service; else $CALLING_SERVICE_URL.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(help="Access token; else one is made from the configured credentials."),
    ] = None,
    video: Annotated[
        str, typer.Option(help="What to send: a file, pattern, camera, screen or none.")
    ] = NONE,
    audio: Annotated[
        str, typer.Option(help="What to send: a file, tone, microphone or none.")
    ] = NONE,
    record: Annotated[
        Path | None,
        typer.Option(help="A .webm, .mkv or .mp4 of everybody, or a folder for a file of each."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="Leave after that time; else with Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file.")] = None,
) -> None:
    """Enter a room and show who is here and what arrives.

    Everything that arrives is decoded. Nothing is sent unless --video or --audio say what. Ctrl-C
    and SIGTERM leave the room and exit 0.
    """
    if token is not None and identity is not None:
        raise InvalidArgumentError(
            "The identity is in the token.",
            stage=Stage.ARGUMENT,
            next_step="Leave out --identity or --token.",
        )
    plan = _Plan(
        room=room,
        identity=identity or f"guest-{secrets.token_hex(3)}",
        audio=media_option("audio", audio),
        video=media_option("video", video),
        seconds=seconds,
    )
    access = load_access(url, token, config_file)
    asyncio.run(_run(plan, access, record, as_json=as_json))


async def _run(plan: _Plan, access: Access, record: Path | None, *, as_json: bool) -> None:
    recording = _recording(record)
    room = await connect(
        access.token(plan.identity, plan.room),
        name=plan.room,
        audio=plan.audio,
        video=plan.video,
        dominant_speaker=True,
        service_url=access.url,
    )
    recorded: dict[str, Any] = {}
    async with room:
        # Before the first line is printed: whoever reads it may send the signal at once.
        with stop_signals() as stopped:
            visit = _Visit(room, make_output(as_json=as_json))
            try:
                if recording is not None:
                    recording.start(room)
                ended = await visit.stay(plan.seconds, stopped)
            finally:
                if recording is not None:
                    recorded = await recording.close()
            summary = visit.summary()
    visit.output.close(summary | recorded)
    if ended is not None:
        raise ended


class _FolderRecording:
    """Every participant in a file; the folder is made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._recording: Recording | None = None

    def start(self, room: Room) -> None:
        """Record what there is and what comes."""
        self._recording = start_recording(room, self._folder)

    async def close(self) -> dict[str, Any]:
        """Finish the files, and say what they hold, for the summary."""
        files = () if self._recording is None else await self._recording.stop()
        return {"recordings": [{**asdict(file), "path": str(file.path)} for file in files]}


class _FileRecording:
    """Everybody in one file."""

    def __init__(self, path: Path) -> None:
        self._recording = RoomRecording(path)

    def start(self, room: Room) -> None:
        """Record what there is and what comes."""
        self._recording.start(room)

    async def close(self) -> dict[str, Any]:
        """Finish the file, and say what it holds, for the summary."""
        summary = await self._recording.close()
        return {"recording": {**asdict(summary), "path": str(summary.path)}}


def _recording(path: Path | None) -> _FileRecording | _FolderRecording | None:
    if path is None:
        return None
    return _FileRecording(path) if path.suffix and not path.is_dir() else _FolderRecording(path)


class _Visit:
    """Being in a room: tells what happens, until it is time to leave."""

    def __init__(self, room: Room, output: JoinOutput) -> None:
        self.output = output
        self._room = room
        self._arrivals = Arrivals(room)
        self._last: list[Arrival] = []
        self._met: dict[str, str] = {}
        self._since = time.monotonic()
        self._over = asyncio.Event()
        self._error: TwilioError | None = None
        identity = room.local_participant.identity
        output.event("connected", room=room.name, sid=room.sid, identity=identity)
        self._listen()
        for participant in room.participants.values():
            self._met[participant.sid] = participant.identity
            output.event("participant", identity=participant.identity, sid=participant.sid)

    async def stay(self, seconds: float | None, stopped: asyncio.Event) -> TwilioError | None:
        """Stay for some time, or until `stopped` or the end of the room; why it ended, if badly."""
        deadline = None if seconds is None else self._since + seconds
        waits = [asyncio.create_task(event.wait()) for event in (stopped, self._over)]
        try:
            while not (stopped.is_set() or self._over.is_set()):
                left = SAMPLE_INTERVAL
                if deadline is not None:
                    left = min(left, deadline - time.monotonic())
                if left <= 0:
                    break
                await asyncio.wait(waits, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                self._sample()
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.wait(waits)
        return self._error

    def summary(self) -> dict[str, Any]:
        """What there was; take it before leaving."""
        self._sample()
        room = self._room
        return {
            "room": room.name,
            "sid": room.sid,
            "identity": room.local_participant.identity,
            "seconds": round(time.monotonic() - self._since, 3),
            "participants": list(self._met.values()),
            "tracks": [asdict(arrival) for arrival in self._last],
        }

    def _sample(self) -> None:
        self._last = self._arrivals.sample()
        people = [participant.identity for participant in self._room.participants.values()]
        self.output.sample(people, self._last)

    def _listen(self) -> None:
        for event in _OF_PARTICIPANTS:
            self._room.on(event, lambda *parts, event=event: self._of_participant(event, parts))
        for event in _OF_TRACKS:
            self._room.on(event, lambda *parts, event=event: self._of_track(event, parts))
        self._room.on(RoomEvent.DOMINANT_SPEAKER_CHANGED, self._speaker_changed)
        self._room.on(RoomEvent.RECONNECTING, lambda error: self._tell_error("reconnecting", error))
        self._room.on(RoomEvent.RECONNECTED, lambda: self.output.event("reconnected"))
        self._room.on(RoomEvent.DISCONNECTED, self._disconnected)

    def _of_participant(self, event: str, parts: Sequence[Any]) -> None:
        participant = parts[-1]
        self._met[participant.sid] = participant.identity
        self.output.event(str(event), identity=participant.identity, sid=participant.sid)

    def _of_track(self, event: str, parts: Sequence[Any]) -> None:
        """Tell an event whose last arguments are a publication and its participant."""
        publication, participant = parts[-2:]
        self.output.event(
            str(event),
            identity=participant.identity,
            kind=publication.kind,
            track_sid=publication.track_sid,
        )

    def _speaker_changed(self, participant: Any) -> None:
        identity = None if participant is None else participant.identity
        self.output.event("dominantSpeakerChanged", identity=identity)

    def _disconnected(self, _room: Room, error: TwilioError | None) -> None:
        self._error = error
        self._tell_error("disconnected", error)
        self._over.set()

    def _tell_error(self, event: str, error: TwilioError | None) -> None:
        if error is None:
            self.output.event(event)
        else:
            self.output.event(event, code=error.code, message=error.message)


_OF_PARTICIPANTS: Final = (
    RoomEvent.PARTICIPANT_CONNECTED,
    RoomEvent.PARTICIPANT_DISCONNECTED,
    RoomEvent.PARTICIPANT_RECONNECTING,
    RoomEvent.PARTICIPANT_RECONNECTED,
)
_OF_TRACKS: Final = (
    RoomEvent.TRACK_SUBSCRIBED,
    RoomEvent.TRACK_UNSUBSCRIBED,
    RoomEvent.TRACK_ENABLED,
    RoomEvent.TRACK_DISABLED,
)
