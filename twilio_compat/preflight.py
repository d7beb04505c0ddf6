"""`run_preflight`: what the way to the service is like, tried out before a room is entered.

It stands on the calling SDK's test call: two clients of the token's identity meet in a call that
nobody else knows, one sends a picture and a tone, the other receives and measures. No room is
entered and no device is opened.

Source: twilio-video.js 2.36, `lib/preflight/preflighttest.js`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, TypedDict, Unpack, final

from acs_core.client.call_client import CallClient
from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.emitter import TaskOwner
from acs_core.client.features.keys import Features
from acs_core.client.features.media_records import MediaStatsReportSample
from acs_core.client.features.media_stats import MediaStatsCallFeature
from acs_core.client.features.pre_call import PreCallTimes
from acs_core.client.features.pre_call_results import RunOptions
from acs_core.errors import CallingError
from acs_core.events import MediaStatsCollectorEvent
from acs_core.models import CallClientOptions
from twilio_compat.connect_options import check_region
from twilio_compat.emitter import EventEmitter
from twilio_compat.errors import from_core
from twilio_compat.option_bags import NO_NAMES, OptionBag, merge, optional
from twilio_compat.preflight_report import PreflightProgress, ReportMaker

__all__ = [
    "PreflightOptions",
    "PreflightStoppedError",
    "PreflightTest",
    "runPreflight",
    "run_preflight",
]

_SAMPLES: Final = 4
"""At least so many measurements are taken, however short the test."""
_DEFAULT_MS: Final = 10_000
_TEST: Final = RunOptions(
    device_access=False,
    device_enumeration=False,
    in_call_diagnostics=True,
    browser_support=False,
    call_media_statistics=True,
)
_KNOWN: Final = frozenset({"duration", "region", "service_url"})


class PreflightOptions(TypedDict, total=False):
    """Options of `run_preflight`; `service_url` is ours.

    `duration` is how long media is measured, in milliseconds; 10 000 unless given.
    """

    duration: float
    region: str
    service_url: str | None
    serviceUrl: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    seconds: float
    service_url: str | None


class PreflightStoppedError(Exception):
    """`stop` was called; the message is Twilio's, "stopped"."""

    def __init__(self) -> None:
        super().__init__("stopped")


@final
class PreflightTest(EventEmitter):
    """A test that runs; made by `run_preflight`.

    It tells `progress(name)`, and in the end either `completed(report)` or `failed(error, report)`,
    once; the report of a failed test has what was known by then.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset({"progress", "completed", "failed"})

    def __init__(
        self, token: str, request: _Request, *, wall_clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(TaskOwner())
        self._report = ReportMaker(wall_clock)
        self._run = self._tasks.start(self._test(token, request), "preflight test")
        self._watch = self._tasks.start(self._end(), "end of preflight test")

    def stop(self) -> None:
        """Give up: `failed` is told with `PreflightStoppedError`. It does nothing afterwards."""
        self._run.cancel()

    async def closed(self) -> None:
        """Wait until it is over, was told, and everything is let go of (ours)."""
        await asyncio.wait([self._watch])

    async def _end(self) -> None:
        await asyncio.wait([self._run])
        error = PreflightStoppedError() if self._run.cancelled() else self._run.exception()
        report = self._report.finish()
        if error is None:
            self.emit("completed", report)
        else:
            self.emit("failed", _as_twilios(error), report)

    async def _test(self, token: str, request: _Request) -> None:
        self._progress(PreflightProgress.MEDIA_ACQUIRED)  # A picture and a tone of our own.
        options = CallClientOptions(sample_interval=min(1.0, request.seconds / _SAMPLES))
        if request.service_url is not None:
            options = replace(options, service_url=request.service_url)
        credential = AzureCommunicationTokenCredential(token)
        async with CallClient(options) as client:
            feature = client.feature(Features.PRE_CALL_DIAGNOSTICS)
            feature.times = PreCallTimes(measure=request.seconds)
            result = await feature.start_test(credential, _TEST)
            assert result.call_media_statistics is not None
            assert result.in_call_diagnostics is not None
            self._measure(await result.call_media_statistics)
            await result.in_call_diagnostics

    def _measure(self, statistics: MediaStatsCallFeature) -> None:
        self._progress(PreflightProgress.CONNECTED)
        collector = statistics.create_collector()
        collector.on(MediaStatsCollectorEvent.SAMPLE_REPORTED, self._sampled)

    def _sampled(self, sample: MediaStatsReportSample) -> None:
        if sample.video.receive:
            self._progress(PreflightProgress.MEDIA_SUBSCRIBED)
        if any(one.frames_received for one in sample.video.receive):
            self._progress(PreflightProgress.MEDIA_STARTED)
        self._report.add(sample)

    def _progress(self, name: PreflightProgress) -> None:
        if self._report.note(name):
            self.emit("progress", str(name))


def run_preflight(
    token: str, options: OptionBag | None = None, **keywords: Unpack[PreflightOptions]
) -> PreflightTest:
    """Begin a test and return it at once; listen to its events.

    Args:
        token: An access token; its room is not entered.
        options: Twilio's bag, see `PreflightOptions`.
        **keywords: The same, in either spelling.

    Raises:
        TypeError: The token is no text, or an option is unknown or of the wrong type.
        ValueError: The duration is not above zero.
    """
    if not isinstance(token, str):
        raise TypeError("token must be a string")
    return PreflightTest(token, _read(options, keywords))


def _read(bag: object, keywords: Mapping[str, Any]) -> _Request:
    values = merge("options", bag, keywords, _KNOWN, NO_NAMES, NO_NAMES)
    check_region(values)
    duration = values.get("duration", _DEFAULT_MS)
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        raise TypeError("duration must be a number")
    if not 0 < duration < math.inf:
        raise ValueError("duration must be above zero")
    return _Request(duration / 1000, optional(values, "service_url", str))


def _as_twilios(error: BaseException) -> BaseException:
    """The Twilio error for what the test call says, which says why by its cause."""
    if not isinstance(error, CallingError):
        return error
    cause = error.__cause__
    return from_core(cause if isinstance(cause, CallingError) else error)


# Twilio's spelling; tests/twilio_compat/test_names.py checks it.
runPreflight = run_preflight  # noqa: N816
