"""`run_preflight`: whether a program with this token can send and receive from here, and how well.

Theory of operation. Two call clients with the token join a call that nobody else can find. The
first sends a test picture and a tone, the second receives them back from the service, and both
measure; no device is opened. The test is one task that the returned object holds; whatever happens,
both clients are disposed before the outcome is told. Different from Twilio's SDK, whose test goes
from the page to a TURN server and back: here media takes the way that it takes in a room.

Source: twilio-video.js 2.36, `lib/preflight/preflighttest.js`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from enum import StrEnum
from typing import Any, ClassVar, Final, TypedDict, Unpack, final

from acs_core.client.call import Call
from acs_core.client.call_client import CallClient
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.emitter import TaskOwner
from acs_core.client.features.keys import Features
from acs_core.client.options import JoinCallOptions, StreamOptions
from acs_core.client.publications import RemotePublication
from acs_core.core.call import CallState
from acs_core.errors import CallingError, DeadlineError, Stage
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.media.stats import PathStats
from acs_core.models import CallClientOptions, ProbeCallLocator
from twilio_compat.connect_options import check_region
from twilio_compat.emitter import EventEmitter
from twilio_compat.endings import ended_error, lost_error
from twilio_compat.errors import RoomConnectFailedError, TwilioError, from_core
from twilio_compat.option_bags import NO_NAMES, OptionBag, merge, optional
from twilio_compat.preflight_report import (
    NetworkTiming,
    PreflightProgress,
    PreflightTestReport,
    ProgressEvent,
    Sample,
    candidates_of,
    selected_of,
    stats_of,
    timing_of,
)

__all__ = [
    "PreflightEvent",
    "PreflightOptions",
    "PreflightStoppedError",
    "PreflightTest",
    "runPreflight",
    "run_preflight",
]

_log = logging.getLogger(__name__)

DURATION_MS: Final = 10_000
"""As in twilio-video.js, `DEFAULT_TEST_DURATION`."""
CONNECT_TIMEOUT: Final = 30.0
"""Seconds for both clients to be in the call, and again until the first picture."""
SAMPLE_INTERVAL: Final = 0.5
"""Seconds between two looks at the measurements; a test has two at least."""
_OPTIONS: Final = frozenset({"duration", "region", "service_url"})


class PreflightEvent(StrEnum):
    """What a test tells: steps, then one of the other two, once."""

    PROGRESS = "progress"
    COMPLETED = "completed"
    FAILED = "failed"


class PreflightOptions(TypedDict, total=False):
    """Options of `run_preflight`; `service_url` is ours.

    `duration` is how long media is measured, in milliseconds; 10 000 unless given.
    """

    duration: float
    region: str
    service_url: str | None
    serviceUrl: str | None


class PreflightStoppedError(Exception):
    """The test was stopped by `PreflightTest.stop`; the message is Twilio's, "stopped"."""

    def __init__(self) -> None:
        super().__init__("stopped")


def run_preflight(
    token: str, options: OptionBag | None = None, **keywords: Unpack[PreflightOptions]
) -> PreflightTest:
    """Begin a test of network and service; returns at once.

    Args:
        token: An access token; see `twilio_compat.tokens.AccessToken`.
        options: Twilio's bag: `duration` in milliseconds, 10000 by default, of the measurement;
            `region`, which means nothing here; and ours: `serviceUrl`.
        **keywords: The same in snake_case.

    Raises:
        TypeError: The token is no text, or an option is unknown or of the wrong type.
        ValueError: The duration is not positive.
    """
    if not isinstance(token, str):
        raise TypeError("token must be a string")
    values = merge("options", options, keywords, _OPTIONS, NO_NAMES, NO_NAMES)
    check_region(values)
    return PreflightTest(token, _duration(values), optional(values, "service_url", str))


def _duration(values: Mapping[str, Any]) -> float:
    value = values.get("duration", DURATION_MS)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("duration must be a number")
    if not 0 < value < float("inf"):
        raise ValueError("duration must be positive")
    return value / 1000


@final
class PreflightTest(EventEmitter):
    """A test that runs; made by `run_preflight`."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(PreflightEvent)

    def __init__(self, token: str, duration: float, service_url: str | None) -> None:
        super().__init__(TaskOwner())
        self._token = token
        self._duration = duration
        self._service_url = service_url
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._offset = time.time() - self._started
        self._progress: list[ProgressEvent] = []
        self._reached: dict[PreflightProgress, float] = {}
        self._path = PathStats()
        self._samples: list[Sample] = []
        self._is_stopped = False
        self._task = self._loop.create_task(self._run(), name="preflight")

    def stop(self) -> None:
        """End the test early: "failed" follows, with `PreflightStoppedError`. Safe to repeat."""
        # Once: a second time would interrupt what lets go of the clients.
        if not self._is_stopped:
            self._is_stopped = True
            # A task that is canceled before its first step runs nothing, and would tell nothing.
            self._loop.call_soon(self._task.cancel)

    async def closed(self) -> None:
        """Wait until the test is over, everything is let go of and its end was told (ours)."""
        await asyncio.wait({self._task})
        await self._tasks.aclose()

    # ------------------------------------------------------------ the test

    async def _run(self) -> None:
        try:
            await self._test()
        except asyncio.CancelledError:
            self.emit(PreflightEvent.FAILED, PreflightStoppedError(), self._report())
        except CallingError as error:
            self.emit(PreflightEvent.FAILED, from_core(error), self._report())
        except TwilioError as error:
            self.emit(PreflightEvent.FAILED, error, self._report())
        except Exception as error:
            _log.exception("a preflight test failed")
            failure = TwilioError(53000, f"The test failed: {error}.")
            self.emit(PreflightEvent.FAILED, failure, self._report())
        else:
            self.emit(PreflightEvent.COMPLETED, self._report())

    async def _test(self) -> None:
        async with AsyncExitStack() as stack:
            picture, tone = PatternSource(320, 180, 15), ToneSource()
            stack.push_async_callback(picture.close)
            stack.push_async_callback(tone.close)
            self._reach(PreflightProgress.MEDIA_ACQUIRED)
            place = ProbeCallLocator(str(uuid.uuid4()))
            streams = (StreamOptions(picture, "video"), StreamOptions(tone, "audio"))
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    sender = await self._join(stack, place, streams)
                    self._reach(PreflightProgress.CONNECTED)
                    receiver = await self._join(stack, place, ())
                    publications = await _subscribed(sender, receiver)
            except TimeoutError as error:
                raise DeadlineError(
                    f"The test was not connected within {CONNECT_TIMEOUT:g} s.",
                    stage=Stage.MEDIA,
                    next_step="Check that UDP reaches the service's media port.",
                ) from error
            self._connected(receiver)
            await self._measure(sender, receiver, publications)

    async def _join(
        self, stack: AsyncExitStack, place: ProbeCallLocator, streams: tuple[StreamOptions, ...]
    ) -> Call:
        options = (
            CallClientOptions()
            if self._service_url is None
            else CallClientOptions(service_url=self._service_url)
        )
        client = await stack.enter_async_context(CallClient(options))
        credential = stack.enter_context(AzureCommunicationTokenCredential(self._token))
        agent = await client.create_call_agent(credential)
        call = agent.join(place, JoinCallOptions(streams=streams))
        stack.push_async_callback(call.hang_up)
        return await call.connected()

    def _connected(self, receiver: Call) -> None:
        """Tell the steps of connecting in Twilio's order; their times are in the report."""
        connections = receiver.feature(Features.STREAMS).connections
        self._path = next((one.path for one in connections), PathStats())
        self._reach(PreflightProgress.MEDIA_SUBSCRIBED)
        self._reach(PreflightProgress.ICE_CONNECTED)
        self._reach(PreflightProgress.DTLS_CONNECTED)
        self._reach(PreflightProgress.PEER_CONNECTION_CONNECTED)

    async def _measure(
        self, sender: Call, receiver: Call, publications: tuple[RemotePublication, ...]
    ) -> None:
        video = next(one for one in publications if one.kind == "video")
        async with aclosing(video.frames()) as frames:
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    await anext(frames)
            except (TimeoutError, StopAsyncIteration) as error:
                _check_calls(sender, receiver)
                raise DeadlineError(
                    f"No picture came through within {CONNECT_TIMEOUT:g} s.", stage=Stage.MEDIA
                ) from error
            self._reach(PreflightProgress.MEDIA_STARTED)
            end = self._loop.time() + self._duration
            self._look(sender, receiver, publications)
            while (left := end - self._loop.time()) > 0:
                # A measurement takes time; this waits for nothing else.
                await asyncio.sleep(min(left, SAMPLE_INTERVAL))
                _check_calls(sender, receiver)
                self._look(sender, receiver, publications)
            for call in (sender, receiver):
                if (cause := call.feature(Features.RECONNECTION).cause) is not None:
                    raise lost_error(cause)

    def _look(
        self, sender: Call, receiver: Call, publications: tuple[RemotePublication, ...]
    ) -> None:
        connections = [
            one for call in (sender, receiver) for one in call.feature(Features.STREAMS).connections
        ]
        streams = tuple(one.stats for one in publications if one.stats is not None)
        trips = tuple(one.round_trip for one in connections if one.round_trip is not None)
        self._samples.append(Sample(streams=streams, round_trips=trips))

    # ------------------------------------------------------------ telling

    def _reach(self, step: PreflightProgress) -> None:
        now = self._loop.time()
        self._reached[step] = now
        duration = (now - self._started) * 1000
        self._progress.append(ProgressEvent(name=str(step), duration=duration))
        self.emit(PreflightEvent.PROGRESS, str(step))

    def _report(self) -> PreflightTestReport:
        path, reached, offset = self._path, self._reached, self._offset
        whole = timing_of(self._started, self._loop.time(), offset=offset)
        assert whole is not None
        connected = reached.get(PreflightProgress.CONNECTED)
        subscribed = reached.get(PreflightProgress.MEDIA_SUBSCRIBED)
        media = reached.get(PreflightProgress.MEDIA_STARTED)
        return PreflightTestReport(
            testTiming=whole,
            networkTiming=NetworkTiming(
                connect=timing_of(
                    reached.get(PreflightProgress.MEDIA_ACQUIRED), connected, offset=offset
                ),
                ice=timing_of(path.started, path.ice_connected, offset=offset),
                dtls=timing_of(path.ice_connected, path.connected, offset=offset),
                peerConnection=timing_of(path.started, path.connected, offset=offset),
                media=timing_of(subscribed, media, offset=offset),
            ),
            stats=stats_of(self._samples),
            iceCandidateStats=candidates_of(path),
            selectedIceCandidatePairStats=selected_of(path),
            progressEvents=list(self._progress),
        )


def _check_calls(*calls: Call) -> None:
    """Find that the test goes on; a call that reconnects may still come back.

    Raises:
        TwilioError: A call is over.
    """
    for call in calls:
        if call.state is CallState.DISCONNECTED:
            raise ended_error(call) or RoomConnectFailedError(
                explanation="The service ended the test.", next_step="Test again."
            )


async def _subscribed(sender: Call, receiver: Call) -> tuple[RemotePublication, ...]:
    """What the receiver gets of the sender, once it gets it."""
    there = receiver.feature(Features.STREAMS).endpoint(sender.id)
    publications = () if there is None else tuple(there.publications)
    if len(publications) < 2:
        raise CallingError("The service does not offer the test's media.", stage=Stage.MEDIA)
    for publication in publications:
        await publication.next_subscription()
    return publications


runPreflight = run_preflight  # noqa: N816
