"""A Twilio-style participant in a process of its own: `python -m tests.support.distant_person`.

Takes one JSON object from its arguments (`url`, `token`, `name`, `frequency`, `color`) and writes
what happens as JSON lines: each event of the room, and what it saw and heard of the others. It
leaves at the end of its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Coroutine
from contextlib import aclosing
from typing import Any

from acs_core.media.patterns import dominant_color, read_counter
from tests.support.media_checks import listen
from twilio_compat import RemoteParticipant, Room, TwilioError, connect

EVENTS = (
    "participantConnected",
    "participantDisconnected",
    "participantReconnecting",
    "participantReconnected",
    "trackSubscribed",
    "trackUnsubscribed",
    "reconnecting",
    "reconnected",
)


def say(event: str, **details: object) -> None:
    """One line for the test."""
    line = {"event": event, "at": round(time.time(), 2)} | details
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Distant:
    """A room, and who watches and listens to the others in it."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.tasks: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        for event in EVENTS:
            room.on(event, self._teller(event))
        room.on("trackSubscribed", lambda track, _, who: self._take(track, who))
        room.on("disconnected", self._disconnected)
        for participant in room.participants.values():
            for publication in participant.tracks.values():
                if publication.track is not None:
                    self._take(publication.track, participant)

    def _teller(self, event: str) -> Any:
        def tell(*arguments: Any) -> None:
            first = arguments[0] if arguments else None
            details: dict[str, object] = {}
            if isinstance(first, TwilioError):
                details = {"code": first.code}
            elif isinstance(first, RemoteParticipant):
                details = {"who": first.identity}
            elif first is not None:
                details = {"track": first.sid, "kind": first.kind}
            say(event, state=self.room.state, **details)

        return tell

    def _disconnected(self, _: Room, error: TwilioError | None) -> None:
        say("disconnected", code=None if error is None else error.code)
        self.over.set()

    def _take(self, track: Any, who: RemoteParticipant) -> None:
        work = {"video": self._watch, "audio": self._listen}.get(track.kind)
        if work is None:
            track.on("message", lambda data: say("message", text=data, who=who.identity))
        else:
            self._own(work(track, who.identity))

    def _own(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _watch(self, track: Any, who: str) -> None:
        said = 0.0
        async with aclosing(track.frames()) as frames:
            async for frame in frames:
                if time.monotonic() - said >= 0.5:
                    said = time.monotonic()
                    picture = frame.to_rgb()
                    color = [int(part) for part in dominant_color(picture)]
                    say("saw", who=who, track=track.sid, color=color, number=read_counter(picture))

    async def _listen(self, track: Any, who: str) -> None:
        async with aclosing(track.frames()) as frames:
            while True:
                try:
                    frequency = await listen(frames, seconds=0.4)
                except TimeoutError:
                    continue
                say("heard", who=who, track=track.sid, frequency=frequency)

    async def stay(self) -> None:
        """Until the test closes our input, or the room is over."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        told, ended = asyncio.create_task(reader.read()), asyncio.create_task(self.over.wait())
        _, waiting = await asyncio.wait({told, ended}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*waiting, *self.tasks):
            task.cancel()
        await asyncio.wait({told, ended, *self.tasks})


async def main(told: dict[str, Any]) -> None:
    """Take part until told otherwise."""
    try:
        room = await connect(
            told["token"],
            name=told["name"],
            service_url=told["url"],
            audio={"source": "tone", "frequency": told["frequency"]},
            video={
                "source": "pattern",
                "width": 160,
                "height": 96,
                "frameRate": 15,
                "color": tuple(told["color"]),
            },
        )
    except TwilioError as error:
        say("refused", code=error.code, message=str(error))
        return
    person = Distant(room)
    tracks = {one.track_sid: one.kind for one in room.local_participant.tracks.values()}
    say("joined", sid=room.local_participant.sid, room=room.sid, tracks=tracks)
    await person.stay()
    room.disconnect()
    await room.closed()
    say("left", tasks=len(asyncio.all_tasks()) - 1)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
