"""`connect`: from a token and a name to a room.

Theory of operation. `connect` starts at once and returns a promise that can be awaited or
cancelled. Behind it one call client, call agent and call are made; whatever fails on the way, all
that was made before is let go of again, and the error is Twilio's.

Source: twilio-video.js 2.36, `lib/connect.js`, `lib/util/cancelablepromise.js`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Generic, TypeVar, Unpack, final

from acs_core import signed_token
from acs_core.client.call import Call
from acs_core.client.call_client import CallClient
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.options import JoinCallOptions, StreamOptions
from acs_core.core.call import CallState
from acs_core.core.facts import DataReliability
from acs_core.errors import AuthenticationError, CallingError
from acs_core.models import CallAgentOptions, CallClientOptions, RoomCallLocator
from twilio_compat.connect_options import ConnectRequest, read_connect_options
from twilio_compat.create_tracks import as_local_track, make_local_tracks
from twilio_compat.endings import ended_error
from twilio_compat.errors import RoomConnectFailedError, from_core, passes
from twilio_compat.lifecycle import Lifecycle, LifecycleName
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalTrack
from twilio_compat.option_bags import OptionBag
from twilio_compat.option_types import ConnectOptions
from twilio_compat.room import Room, RoomSetup
from twilio_compat.sending import SendPreferences

__all__ = ["CancelablePromise", "CanceledError", "connect"]

_T = TypeVar("_T")


class CanceledError(Exception):
    """`connect` was canceled before it was done; the message is Twilio's, "Canceled"."""

    def __init__(self) -> None:
        super().__init__("Canceled")


@final
class CancelablePromise(Generic[_T]):
    """What `connect` returns: `await` it, as often as wanted, or `cancel` it.

    The work runs as one task from the start. When the awaiting task is cancelled, so is the work.
    """

    def __init__(self, work: Coroutine[Any, Any, _T], *, name: str) -> None:
        self._task = asyncio.get_running_loop().create_task(work, name=name)
        self._is_canceled = False

    def __await__(self) -> Generator[Any, None, _T]:
        return self._result().__await__()

    def cancel(self) -> None:
        """Give up; who awaits gets `CanceledError`. Without effect once it is done."""
        # A second time would interrupt what lets go of what was made until then.
        if not self._task.done() and not self._is_canceled:
            self._is_canceled = True
            self._task.cancel()

    @property
    def is_done(self) -> bool:
        """Whether there is a result or an error (ours)."""
        return self._task.done()

    async def _result(self) -> _T:
        try:
            return await self._task
        except asyncio.CancelledError:
            if self._is_canceled:
                raise CanceledError from None
            raise


def connect(
    token: str, options: OptionBag | None = None, **keywords: Unpack[ConnectOptions]
) -> CancelablePromise[Room]:
    """Enter a room.

    Args:
        token: An access token; see `twilio_compat.tokens.AccessToken`.
        options: Twilio's bag, see `ConnectOptions`; ours is `serviceUrl`.
        **keywords: The same, in either spelling.

    Returns:
        A promise of the room, which comes when the room is connected. It fails with
        `TwilioError` when the service refuses or cannot be reached, with `SourceUnavailableError`
        when a default device or file cannot be opened, and with `CanceledError` after `cancel`.

    Raises:
        TypeError: The token is no text, or an option is unknown or of the wrong type.
        ValueError: An option has none of its values.
    """
    if not isinstance(token, str):
        raise TypeError("token must be a string")
    chosen = read_connect_options(options, keywords)
    given = chosen.media.tracks
    tracks = None if given is None else [as_local_track(one) for one in given]
    return CancelablePromise(enter_room(token, chosen, tracks), name="connect")


async def enter_room(
    token: str,
    options: ConnectRequest,
    given: Sequence[LocalTrack] | None,
    *,
    make_client: Callable[[CallClientOptions], CallClient] = CallClient,
) -> Room:
    """What `connect` does, with its arguments read.

    Args:
        token: An access token.
        options: As `read_connect_options` gives them.
        given: The tracks of `options`, or None to make them.
        make_client: Where the call client comes from.

    Raises:
        TwilioError: The service refuses, or cannot be reached.
        MediaError: A device or file cannot be opened.
        InvalidArgumentError: An option has a value that calls cannot work with.
    """
    lifecycle = Lifecycle(options.event_listener, asyncio.get_running_loop().time)
    lifecycle.tell(LifecycleName.CONNECTING)
    try:
        return await _enter(token, options, given, make_client, lifecycle)
    except asyncio.CancelledError:
        lifecycle.closed(None)
        raise
    except CallingError as error:
        failure = error if passes(error) else from_core(error)
        lifecycle.closed(failure)
        raise failure from failure.__cause__
    except BaseException as error:
        lifecycle.closed(error)
        raise


async def _enter(
    token: str,
    options: ConnectRequest,
    given: Sequence[LocalTrack] | None,
    make_client: Callable[[CallClientOptions], CallClient],
    lifecycle: Lifecycle,
) -> Room:
    created: Sequence[LocalTrack] = ()
    async with AsyncExitStack() as stack:
        if given is None:
            created = await make_local_tracks(options.media)
            for track in created:
                stack.push_async_callback(_stop, track)
        tracks = created if given is None else given
        identity = _identity(token)
        client = make_client(_client_options(options))
        call = await _join(stack, client, token, identity, options, tracks, lifecycle)
        call_id = await call.info.get_server_call_id()
        if call.state is CallState.DISCONNECTED:
            raise ended_error(call) or RoomConnectFailedError(
                explanation="The service removed this participant while it connected.",
                next_step="Ask whoever manages the room, then connect again.",
            )
        room = call.info.room
        setup = RoomSetup(
            call=call,
            call_id=call_id,
            name=_name(options.name, "" if room is None else room.name, f"RM{call_id}"),
            identity=identity,
            tracks=tracks,
            created=created,
            dominant_speaker=options.dominant_speaker,
            network_quality=options.network_quality,
            sending=options.sending,
            bandwidth_profile=options.bandwidth_profile,
            warnings=options.warnings,
            receive_transcriptions=options.receive_transcriptions,
            lifecycle=lifecycle,
            close=stack.pop_all().aclose,
        )
        lifecycle.tell(LifecycleName.OPEN)
        return Room(setup)


async def _join(
    stack: AsyncExitStack,
    client: CallClient,
    token: str,
    identity: str,
    options: ConnectRequest,
    tracks: Sequence[LocalTrack],
    lifecycle: Lifecycle,
) -> Call:
    """Join the call; `stack` then knows how to leave it."""
    stack.push_async_callback(client.dispose)
    credential = AzureCommunicationTokenCredential(token)
    stack.callback(credential.dispose)
    agent = await client.create_call_agent(credential, CallAgentOptions(display_name=identity))
    stack.push_async_callback(agent.dispose)
    lifecycle.tell(LifecycleName.EARLY)
    profile = options.bandwidth_profile
    call = agent.join(
        RoomCallLocator(options.name or _granted_room(token)),
        JoinCallOptions(
            streams=tuple(_stream_options(track, options.sending) for track in tracks),
            receive_automatically=options.automatic_subscription,
            report_network_quality=options.network_quality is not None,
            bandwidth_profile=None if profile is None else profile.profile,
        ),
    )
    stack.push_async_callback(call.hang_up)
    return await call.connected()


def _client_options(options: ConnectRequest) -> CallClientOptions:
    name = options.logger_name
    made = CallClientOptions(
        logger=None if name is None else logging.getLogger(name),
        network_configuration=options.network,
    )
    return made if options.service_url is None else replace(made, service_url=options.service_url)


def _stream_options(track: LocalTrack, sending: SendPreferences) -> StreamOptions:
    if isinstance(track, LocalDataTrack):
        reliability = DataReliability(
            ordered=track.ordered,
            max_retransmits=track.max_retransmits,
            max_packet_life_time_ms=track.max_packet_life_time,
        )
        return StreamOptions(name=track.name, reliability=reliability)
    return StreamOptions(
        source=track.sent_source,
        name=track.name,
        enabled=track.is_enabled,
        screen=track.is_screen,
        encoding=sending.encoding(track.kind),
    )


async def _stop(track: LocalTrack) -> None:
    if not isinstance(track, LocalDataTrack):
        track.stop()
        await track.closed()


def _name(*candidates: str | None) -> str:
    return next(candidate for candidate in candidates if candidate)


def _identity(token: str) -> str:
    return _grant(token, "identity")


def _granted_room(token: str) -> str:
    """The room that the token names; empty for none, which asks for a new room."""
    return _grant(token, "video", "room")


def _grant(token: str, *path: str) -> str:
    """Read a grant without judging the token: that is the service's business."""
    try:
        value: object = signed_token.split(token).claims()
    except AuthenticationError:
        return ""
    for key in ("grants", *path):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
