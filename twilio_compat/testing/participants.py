"""Participants that a test puppets: what they send is known, what they receive is asserted.

Every assertion waits until it holds, for 10 seconds at most, and says what was there instead when
it does not: `AssertionError: ann did not hear 880 Hz from bot within 10 s. Heard: silence from
bot (track 'voice')`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Literal, Self, final

from acs_core.errors import InvalidStateError
from acs_core.media.patterns import Color
from twilio_compat.connect import connect
from twilio_compat.events import RoomEvent
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalAudioTrack, LocalVideoTrack
from twilio_compat.publication import LocalTrackPublication
from twilio_compat.remote_participant import RemoteParticipant
from twilio_compat.remote_track import RemoteTrack
from twilio_compat.room import Room, RoomState
from twilio_compat.testing.network import FreezingPattern, FreezingTone, Relay
from twilio_compat.testing.senses import Heard, Message, Seen, color_of, name_of, perceive

__all__ = ["WITHIN", "FakeParticipant", "FakeParticipants"]

WITHIN: Final = 10.0
"""Seconds that an assertion waits unless told otherwise."""

_SIZE: Final = (160, 96)
_FRAME_RATE: Final = 15.0
"""A picture that costs little to encode, and whose number can be read."""

Expected = str | bytes | dict[str, object] | list[object] | Callable[[str | bytes], bool] | None


@final
class FakeParticipant:
    """Somebody in a room; made by `FakeParticipants`, or the fixture `fake_participant`.

    Attributes:
        identity: Of its access token.
        room: Everything else that a participant of Twilio Video can do.
        messages: What came on data tracks and no assertion took, oldest first.
    """

    def __init__(self, identity: str, relay: Relay) -> None:
        self.identity = identity
        self.room: Room  # From `join` on.
        self.messages: list[Message] = []
        self._relay = relay
        self._data = LocalDataTrack(name="messages")
        self._audio: LocalAudioTrack | None = None
        self._video: LocalVideoTrack | None = None
        self._arrived = asyncio.Event()

    async def join(
        self, token: str, room_name: str, *, tone: float | None, color: str | Color | None
    ) -> None:
        """Enter a room; for `FakeParticipants`."""
        self._audio = None if tone is None else _audio_track(tone)
        self._video = None if color is None else _video_track(color)
        media = [track for track in (self._audio, self._video) if track is not None]
        self.room = await connect(
            token, name=room_name, tracks=[self._data, *media], service_url=self._relay.url
        )
        self.room.on(RoomEvent.TRACK_MESSAGE, self._received)

    # ------------------------------------------------------------ what it does

    async def publish(
        self, *, tone: float | None = None, color: str | Color | None = None
    ) -> list[LocalTrackPublication]:
        """Offer a tone, a picture, or both; what it offered of that kind before is withdrawn."""
        publications = []
        if tone is not None:
            await self._withdraw("audio")
            self._audio = _audio_track(tone)
            publications.append(await self.room.local_participant.publish_track(self._audio))
        if color is not None:
            await self._withdraw("video")
            self._video = _video_track(color)
            publications.append(await self.room.local_participant.publish_track(self._video))
        return publications

    async def unpublish(self, kind: Literal["audio", "video"]) -> None:
        """Withdraw its tone or its picture.

        Raises:
            InvalidStateError: It offers none.
        """
        self._track(kind)
        await self._withdraw(kind)

    def mute(self, kind: Literal["audio", "video"] = "audio") -> None:
        """Go on offering, and send nothing; raises as `unpublish`."""
        self._track(kind).disable()

    def unmute(self, kind: Literal["audio", "video"] = "audio") -> None:
        """Send again; raises as `unpublish`."""
        self._track(kind).enable()

    def send(self, message: str | bytes | dict[str, object] | list[object]) -> None:
        """Send a message on its data track `messages`; objects and lists become JSON.

        Raises:
            InvalidStateError: It has vanished.
        """
        if self._relay.is_cut:
            raise InvalidStateError(f"{self.identity} has vanished and cannot send.")
        if not isinstance(message, str | bytes):
            message = json.dumps(message)
        self._data.send(message)

    async def leave(self) -> None:
        """Leave the room as people do; safe to repeat."""
        self._relay.restore()
        self._freeze(is_frozen=False)
        self.room.disconnect()
        await self.room.closed()
        for track in (self._audio, self._video):
            if track is not None:
                track.stop()
                await track.closed()

    def vanish(self) -> None:
        """Lose the network, without a word to anybody.

        The others see it reconnecting, and gone when the service's session window has passed;
        `calling_server_options` can make that short.
        """
        self._relay.cut()
        self._freeze(is_frozen=True)

    async def come_back(self, *, within: float = WITHIN) -> None:
        """Have the network back, and wait until it is in the room again.

        Raises:
            AssertionError: It is not; the window has passed.
        """
        __tracebackhide__ = True
        self._relay.restore()
        self._freeze(is_frozen=False)

        def is_back() -> bool:
            return self.room.state is not RoomState.RECONNECTING

        await self._until(is_back, (RoomEvent.RECONNECTED, RoomEvent.DISCONNECTED), within)
        if self.room.state is not RoomState.CONNECTED:
            raise AssertionError(f"{self.identity} did not come back within {within:g} s.")

    # ------------------------------------------------------------ what it asserts

    async def hears(
        self,
        *,
        tone: float,
        from_: str | None = None,
        within: float = WITHIN,
        tolerance: float = 20.0,
    ) -> None:
        """Wait until it hears a tone.

        Args:
            tone: Hz; the loudest one.
            from_: Identity of who makes it; None for anybody.
            within: Seconds.
            tolerance: Hz that it may be off; packets that come late bend a tone a little.

        Raises:
            AssertionError: It does not; the message says what it heard.
        """
        __tracebackhide__ = True

        def accepts(_: str, heard: Heard | Seen) -> bool:
            return isinstance(heard, Heard) and abs(heard.tone - tone) <= tolerance

        await self._perceive("audio", accepts, f"hear {tone:g} Hz", "Heard", from_, within)

    async def hears_silence(self, *, from_: str, within: float = WITHIN) -> None:
        """Wait until somebody is silent for half a second; raises as `hears`."""
        __tracebackhide__ = True
        in_a_row: dict[str, int] = {}

        def accepts(track: str, heard: Heard | Seen) -> bool:
            is_silent = isinstance(heard, Heard) and not heard.tone
            in_a_row[track] = in_a_row.get(track, 0) + 1 if is_silent else 0
            return in_a_row[track] == 2

        await self._perceive("audio", accepts, "hear silence", "Heard", from_, within)

    async def sees(
        self,
        *,
        color: str | Color | None = None,
        moving: bool = False,
        from_: str | None = None,
        within: float = WITHIN,
    ) -> None:
        """Wait until it sees a picture.

        Args:
            color: A name of `COLORS`, or (red, green, blue); None for any.
            moving: Of a fake participant, and its number grows: new pictures arrive.
            from_: Identity of who shows it; None for anybody.
            within: Seconds.

        Raises:
            AssertionError: It does not; the message says what it saw.
        """
        __tracebackhide__ = True
        wanted = None if color is None else color_of(color)
        numbers: dict[str, int] = {}

        def accepts(track: str, seen: Heard | Seen) -> bool:
            if not isinstance(seen, Seen) or not (wanted is None or seen.is_color(wanted)):
                return False
            if not moving:
                return True
            if seen.counter is None:
                return False
            return seen.counter != numbers.setdefault(track, seen.counter)

        words = "see a " + ("moving " if moving else "")
        words += "picture" if wanted is None else f"{name_of(wanted)} picture"
        await self._perceive("video", accepts, words, "Saw", from_, within)

    async def receives_message(
        self, expected: Expected = None, *, from_: str | None = None, within: float = WITHIN
    ) -> str | bytes:
        """Wait for a message, and take it; those that came before and nobody took count.

        Args:
            expected: Text, bytes, an object or a list that it is the JSON of, a function that
                says whether it is the one, or None for any.
            from_: Identity of the sender; None for anybody.
            within: Seconds.

        Returns:
            The message.

        Raises:
            AssertionError: It does not come; the message says which ones came.
        """
        __tracebackhide__ = True
        try:
            async with asyncio.timeout(within):
                while (found := self._message(expected, from_)) is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            came = "; ".join(f"{one.data!r} from {one.sender}" for one in self.messages)
            what = "a message" if expected is None else f"{expected!r}"
            whom = "" if from_ is None else f" from {from_}"
            raise AssertionError(
                f"{self.identity} did not receive {what}{whom} within {within:g} s. "
                f"Received: {came or 'nothing'}. {self._company()}"
            ) from None
        self.messages.remove(found)
        return found.data

    async def meets(self, identity: str, *, within: float = WITHIN) -> RemoteParticipant:
        """Wait until somebody is in the room.

        Raises:
            AssertionError: Nobody of that identity is; the message says who is.
        """
        __tracebackhide__ = True
        await self._until(
            lambda: self._find(identity) is not None, (RoomEvent.PARTICIPANT_CONNECTED,), within
        )
        found = self._find(identity)
        if found is None:
            raise AssertionError(
                f"{self.identity} did not meet {identity} within {within:g} s. {self._company()}"
            )
        return found

    async def parts_from(self, identity: str, *, within: float = WITHIN) -> None:
        """Wait until somebody is not in the room; raises as `meets`."""
        __tracebackhide__ = True
        await self._until(
            lambda: self._find(identity) is None, (RoomEvent.PARTICIPANT_DISCONNECTED,), within
        )
        if self._find(identity) is not None:
            raise AssertionError(
                f"{identity} did not leave {self.identity} within {within:g} s. {self._company()}"
            )

    # ------------------------------------------------------------ inside

    def _received(
        self, data: str | bytes, track: RemoteTrack, participant: RemoteParticipant
    ) -> None:
        self.messages.append(Message(data, participant.identity, track.name))
        self._arrived.set()

    def _message(self, expected: Expected, from_: str | None) -> Message | None:
        fitting = (
            one for one in self.messages if from_ in (None, one.sender) and _is(one.data, expected)
        )
        return next(fitting, None)

    def _track(self, kind: Literal["audio", "video"]) -> LocalAudioTrack | LocalVideoTrack:
        track = self._audio if kind == "audio" else self._video
        if track is None:
            raise InvalidStateError(
                f"{self.identity} offers no {kind}.",
                next_step="Give it a tone or a color, when it is made or by `publish`.",
            )
        return track

    async def _withdraw(self, kind: Literal["audio", "video"]) -> None:
        track = self._audio if kind == "audio" else self._video
        if track is None:
            return
        self.room.local_participant.unpublish_track(track)
        track.stop()
        await track.closed()
        if kind == "audio":
            self._audio = None
        else:
            self._video = None

    def _freeze(self, *, is_frozen: bool) -> None:
        for track in (self._audio, self._video):
            source = None if track is None else track.media_stream_track
            if isinstance(source, FreezingTone | FreezingPattern):
                if is_frozen:
                    source.running.clear()
                else:
                    source.running.set()

    def _find(self, identity: str) -> RemoteParticipant | None:
        people = self.room.participants.values()
        return next((one for one in people if one.identity == identity), None)

    def _company(self) -> str:
        names = ", ".join(one.identity for one in self.room.participants.values())
        return f"In the room: {names}." if names else "Nobody else is in the room."

    async def _until(
        self, holds: Callable[[], bool], events: tuple[RoomEvent, ...], within: float
    ) -> None:
        """Wait until something holds, as events may tell, or the time is over."""
        happened = asyncio.Event()

        def note(*_: object) -> None:
            happened.set()

        for event in events:
            self.room.on(event, note)
        try:
            async with asyncio.timeout(within):
                while not holds():
                    happened.clear()
                    await happened.wait()
        except TimeoutError:
            return  # The caller says so in its own words.
        finally:
            for event in events:
                self.room.off(event, note)

    async def _perceive(
        self,
        kind: Literal["audio", "video"],
        accepts: Callable[[str, Heard | Seen], bool],
        words: str,
        past: str,
        from_: str | None,
        within: float,
    ) -> None:
        __tracebackhide__ = True
        is_accepted, last = await perceive(self.room, kind, accepts, from_=from_, within=within)
        if is_accepted:
            return
        whom = "" if from_ is None else f" from {from_}"
        told = f"{self.identity} did not {words}{whom} within {within:g} s."
        if last:
            things = "; ".join(f"{what or 'nothing'} from {who}" for who, what in last.items())
            raise AssertionError(f"{told} {past}: {things}.")
        if from_ is None:
            reason = f"Nobody offers {kind}"
        elif self._find(from_) is None:
            reason = f"{from_} is not in the room"
        else:
            reason = f"{from_} offers no {kind}"
        raise AssertionError(f"{told} {reason}. {self._company()}")


@final
class FakeParticipants:
    """Makes participants, and lets all of them leave at the end: `await fakes("ann", tone=440)`.

    Args:
        access_token: Makes a token for an identity.
        service_url: Where the service is.
        room_name: Where they go unless told otherwise.
    """

    def __init__(
        self, access_token: Callable[[str], str], service_url: str, room_name: str
    ) -> None:
        self._access_token = access_token
        self._service_url = service_url
        self._room_name = room_name
        self._stack = AsyncExitStack()

    async def __call__(
        self,
        identity: str,
        *,
        tone: float | None = None,
        color: str | Color | None = None,
        room: str | None = None,
    ) -> FakeParticipant:
        """Enter a room as somebody.

        Args:
            identity: Of the access token.
            tone: Pitch of what it says, in Hz; None for nothing.
            color: Of what it shows, a name of `COLORS` or (red, green, blue); None for nothing.
            room: Name; by default that of the fixture `room_name`.

        Raises:
            TwilioError: It is refused.
            ValueError: There is no such color.
        """
        relay = Relay(self._service_url)
        await relay.start()
        self._stack.push_async_callback(relay.aclose)
        fake = FakeParticipant(identity, relay)
        token = self._access_token(identity)
        await fake.join(token, room or self._room_name, tone=tone, color=color)
        self._stack.push_async_callback(fake.leave)
        return fake

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


def _audio_track(tone: float) -> LocalAudioTrack:
    return LocalAudioTrack(FreezingTone(tone), name="tone")


def _video_track(color: str | Color) -> LocalVideoTrack:
    source = FreezingPattern(*_SIZE, _FRAME_RATE, color=color_of(color))
    return LocalVideoTrack(source, name="picture")


def _is(data: str | bytes, expected: Expected) -> bool:
    if expected is None:
        return True
    if callable(expected):
        return bool(expected(data))
    if isinstance(expected, dict | list):
        try:
            return bool(json.loads(data) == expected)
        except ValueError:
            return False
    return data == expected
