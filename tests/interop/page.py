"""A participant in a real browser, with the vendor's unmodified client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.interop.chromium import DEADLINE, Chromium
from tests.interop.senses import Senses
from tests.interop.values import Event
from tests.support.people import ROOM

__all__ = ["Page"]

QUIET_EVENTS: Final = frozenset({"trackDimensionsChanged", "dimensionsChanged"})


class Page(Senses):
    """One participant.

    Attributes:
        identity: Whom its token names.
        sid: Its participant's, once connected.
        room_sid: The room's, once connected.
        options: Of the SDK's `connect`, unless a call of `connect` says otherwise.
    """

    def __init__(
        self, chromium: Chromium, identity: str, token: str, options: Mapping[str, Any]
    ) -> None:
        super().__init__(chromium, identity)
        self.identity = identity
        self.sid = ""
        self.room_sid = ""
        self.options = dict(options)
        self._token = token

    # ------------------------------------------------------------ doing

    async def connect(
        self,
        room: str | None = ROOM,
        *,
        media: Sequence[Mapping[str, Any]] | None = (),
        token: str | None = None,
        attach: bool = True,
        **options: Any,
    ) -> dict[str, Any]:
        """Join; returns sid, name, state, region, participant, identity.

        Args:
            room: Name; None for a room without one.
            media: Tracks to make and publish; None lets the SDK capture camera and microphone.
            token: Instead of the page's own.
            attach: Whether media tracks are attached to elements once subscribed.
            **options: Of the SDK's `connect`.

        Raises:
            PageError: `connect` rejected.
        """
        chosen = {**self.options, **({} if room is None else {"name": room}), **options}
        joined: dict[str, Any] = await self.run(
            "(_, harness, argument) => harness.connect(argument)",
            {
                "token": self._token if token is None else token,
                "media": None if media is None else list(media),
                "options": chosen,
                "attach": attach,
            },
        )
        self.sid = joined["participant"]
        self.room_sid = joined["sid"]
        return joined

    async def disconnect(self) -> None:
        """Leave the room."""
        await self.run("room => { room.disconnect(); }")

    async def publish(self, track: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Make and publish a track; returns sid and name of the publication."""
        published: dict[str, Any] = await self.run(
            """async (room, harness, {track, options}) => {
                const made = harness.makeTrack(track);
                const publication = await room.localParticipant.publishTrack(made, options);
                harness.watchLocal(publication);
                return {sid: publication.trackSid, name: publication.trackName};
            }""",
            {"track": dict(track), "options": options},
        )
        return published

    async def unpublish(self, name: str) -> None:
        """Unpublish the track of a name."""
        await self.run(
            """(room, harness, name) => {
                const all = [...room.localParticipant.tracks.values()];
                room.localParticipant.unpublishTrack(all.find(one => one.trackName === name).track);
            }""",
            name,
        )

    async def send(self, message: str | list[int], name: str = "chat") -> None:
        """Send text, or the bytes of a list, on the data track of a name."""
        await self.run(
            """(room, _, {name, message}) => {
                const all = [...room.localParticipant.dataTracks.values()];
                const {track} = all.find(one => one.trackName === name);
                track.send(typeof message === 'string' ? message : new Uint8Array(message).buffer);
            }""",
            {"name": name, "message": message},
        )

    async def speak(self, gain: float) -> None:
        """Make the track `microphone` louder; 0 for silence."""
        await self.run(
            "(_, harness, gain) => harness.sources.get('microphone').setGain(gain)", gain
        )

    async def set_priority(self, priority: str) -> None:
        """Change the priority of the videos that it publishes."""
        await self.run(
            """(room, _, priority) => {
                room.localParticipant.videoTracks.forEach(one => one.setPriority(priority));
            }""",
            priority,
        )

    async def is_asked_for(self, name: str, layers: list[bool]) -> None:
        """Wait until the newest hint of the service about an own track wants these layers."""
        await self.until(
            """(room, _, {name, layers}) => {
                const {trackSid} = [...room.localParticipant.videoTracks.values()].find(
                    one => one.trackName === name);
                const hints = tapped.filter(one => one.direction === '>')
                    .map(one => { try { return JSON.parse(one.content); } catch { return {}; } })
                    .filter(one => one.type === 'publisher_hints')
                    .flatMap(one => one.publisher.hints)
                    .filter(one => one.track === trackSid && one.encodings);
                return hints.length
                    && String(hints.pop().encodings.map(one => one.enabled)) === String(layers);
            }""",
            {"name": name, "layers": layers},
            deadline=25,
        )

    async def show(self, identity: str, width: int = 160, height: int = 120) -> None:
        """Show somebody's video `camera` in one element of a size, and in no other."""
        await self.run(
            """(_, harness, {identity, width, height}) => {
                harness.hide(identity, 'camera');
                harness.show(identity, 'camera', {width, height});
            }""",
            {"identity": identity, "width": width, "height": height},
        )

    async def hide(self, identity: str) -> None:
        """Show somebody's video `camera` nowhere."""
        await self.run("(_, harness, identity) => harness.hide(identity, 'camera')", identity)

    # ------------------------------------------------------------ hearing of

    async def event(
        self,
        name: str,
        *args: Any,
        emitter: str | None = "room",
        since: int = 0,
        deadline: float = DEADLINE,
    ) -> Event:
        """The first such event; waits for it.

        Args:
            name: The event.
            *args: What must be among its arguments; of dicts, the given keys.
            emitter: Who told it; None for anybody.
            since: Index from which on events count; see `mark`.
            deadline: Seconds.

        Raises:
            AssertionError: There was none in time; the message has the latest events.
        """
        wanted = {"event": name, "emitter": emitter, "args": list(args), "since": since}
        try:
            entry = await self.evaluate(
                """async ({wanted, milliseconds}) => {
                    try {
                        return await window.harness.journal.next(wanted, milliseconds);
                    } catch (error) {
                        return null;
                    }
                }""",
                {"wanted": wanted, "milliseconds": int(deadline * 1000)},
                deadline + 5,
            )
        except TimeoutError:
            entry = None
        if entry is None:
            heard = "\n".join(str(item) for item in (await self.events())[-30:])
            raise AssertionError(
                f"{self.identity} heard no {name!r} {args} of {emitter} from {since} on within "
                f"{deadline:g} s; heard:\n{heard}"
            )
        return Event.of(entry)

    async def mark(self) -> int:
        """The index of the next event, for `since`."""
        return int(await self.evaluate("() => window.harness.journal.entries.length"))

    async def events(self, emitter: str | None = None, *, since: int = 0) -> list[Event]:
        """All events so far, of one emitter or of all; changes of dimensions left out."""
        entries = await self.evaluate("() => window.harness.journal.entries")
        return [
            event
            for event in map(Event.of, entries[since:])
            if emitter in (None, event.emitter) and event.name not in QUIET_EVENTS
        ]

    async def story(self, emitter: str = "room", *, since: int = 0) -> list[tuple[Any, ...]]:
        """Names and arguments of one emitter's events, in order."""
        return [(event.name, *event.args) for event in await self.events(emitter, since=since)]
