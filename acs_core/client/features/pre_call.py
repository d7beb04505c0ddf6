"""`Features.PRE_CALL_DIAGNOSTICS`: a test call through the service, before a real one.

Theory of operation. Two clients of the same user join a test call (`ProbeCallLocator`): elsewhere
the second one of a user with a Twilio token takes the place of the first. The first sends a test
picture and a tone, the second receives them; both measure. No device is opened: which devices there
are and whether they may be used is asked of the device manager. Each part of the result is a task
of the client; disposing the client ends them. Whatever happens, both clients are disposed.

Source: `PreCallDiagnosticsFeature` of @azure/communication-calling 1.36.1-beta.1.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from acs_core.client.credential import AzureCommunicationTokenCredential
from acs_core.client.environment import get_environment_info
from acs_core.client.features.base import FeatureKey
from acs_core.client.features.client_base import CallClientContext, CallClientFeature
from acs_core.client.features.diagnostics import UserFacingDiagnosticsFeature
from acs_core.client.features.media_records import MediaStatsReportSample
from acs_core.client.features.media_stats import MediaStatsCallFeature
from acs_core.client.features.pre_call_results import (
    AudioInCallDiagnostics,
    CallDiagnostics,
    DeviceAvailabilityGrade,
    DeviceCompatibility,
    DeviceEnumeration,
    InCallDiagnostics,
    PreCallDiagnosticsResult,
    RunOptions,
    VideoInCallDiagnostics,
    compatibility_of,
    grade_bandwidth,
    grade_streams,
)
from acs_core.client.features.streams import StreamsFeature
from acs_core.client.options import JoinCallOptions, StreamOptions
from acs_core.client.publications import RemotePublication
from acs_core.core.facts import PublicationKind
from acs_core.errors import CallingError, DeadlineError, Stage
from acs_core.events import MediaStatsCollectorEvent
from acs_core.media.sources import PatternSource, ToneSource
from acs_core.models import DeviceAccess, DiagnosticQuality, PermissionConstraints, ProbeCallLocator

if TYPE_CHECKING:
    from acs_core.client.call import Call

__all__ = ["PreCallDiagnosticsFeature", "PreCallTimes"]

_STREAMS: Final = FeatureKey(StreamsFeature)
_MEDIA_STATS: Final = FeatureKey(MediaStatsCallFeature)
_DIAGNOSTICS: Final = FeatureKey(UserFacingDiagnosticsFeature)


@dataclass(frozen=True, slots=True)
class PreCallTimes:
    """Seconds that the parts of a test call take (ours).

    Attributes:
        connect: At most, for each of the two clients.
        video: At most, until the first picture.
        measure: From then on.
    """

    connect: float = 30.0
    video: float = 10.0
    measure: float = 5.0


class PreCallDiagnosticsFeature(CallClientFeature):
    """Tests devices and network before a call.

    Attributes:
        times: How long a test call may take (ours).
    """

    NAME: ClassVar[str] = "PreCallDiagnostics"

    def __init__(self, context: CallClientContext) -> None:
        super().__init__(context)
        self.times = PreCallTimes()

    async def start_test(
        self,
        token_credential: AzureCommunicationTokenCredential,
        options: RunOptions | None = None,
    ) -> PreCallDiagnosticsResult:
        """Begin a test; the parts of the result are awaited one by one.

        Awaiting `in_call_diagnostics` or `call_media_statistics` raises CallingError: 500/45703 the
        service cannot be reached or refuses the user; 500/45704 the call cannot be joined, or
        408/45708 not in time; 500/45702 no picture came through; 500/45701 and 500/45707 nothing
        could be measured. `device_enumeration` raises 412/45700.

        Args:
            token_credential: The user's tokens.
            options: What to test; everything by default.
        """
        chosen = options or RunOptions()
        tasks = self._context.tasks
        in_call: asyncio.Task[InCallDiagnostics] | None = None
        statistics: asyncio.Future[MediaStatsCallFeature] | None = None
        if chosen.in_call_diagnostics or chosen.call_media_statistics:
            statistics = asyncio.get_running_loop().create_future()
            in_call = tasks.start(self._test_call(token_credential, statistics), "test call")
            in_call.add_done_callback(lambda task: _settle(statistics, task))
        return PreCallDiagnosticsResult(
            id=uuid.uuid4().hex,
            device_access=tasks.start(self._access(), "test access")
            if chosen.device_access
            else None,
            device_enumeration=tasks.start(self._enumerate(), "test devices")
            if chosen.device_enumeration
            else None,
            in_call_diagnostics=in_call if chosen.in_call_diagnostics else None,
            browser_support=tasks.start(self._compatibility(), "test environment")
            if chosen.browser_support
            else None,
            call_media_statistics=statistics if chosen.call_media_statistics else None,
        )

    # ------------------------------------------------------------ devices

    async def _access(self) -> DeviceAccess:
        wanted = PermissionConstraints(audio=True, video=True)
        return await self._context.devices.ask_device_permission(wanted)

    async def _enumerate(self) -> DeviceEnumeration:
        devices = self._context.devices
        try:
            microphones = await devices.get_microphones()
            cameras = await devices.get_cameras()
            speakers = await devices.get_speakers()
        except OSError as error:
            raise CallingError(
                f"Devices cannot be listed: {error}.", code=412, sub_code=45700, stage=Stage.DEVICE
            ) from error
        return DeviceEnumeration(_found(microphones), _found(cameras), _found(speakers))

    async def _compatibility(self) -> DeviceCompatibility:
        return compatibility_of(get_environment_info())

    # ------------------------------------------------------------ the test call

    async def _test_call(
        self,
        credential: AzureCommunicationTokenCredential,
        statistics: asyncio.Future[MediaStatsCallFeature],
    ) -> InCallDiagnostics:
        place = ProbeCallLocator(str(uuid.uuid4()))
        async with AsyncExitStack() as stack:
            picture, tone = PatternSource(320, 180, 15), ToneSource()
            stack.push_async_callback(picture.close)
            stack.push_async_callback(tone.close)
            streams = (StreamOptions(picture, "video"), StreamOptions(tone, "audio"))
            sender = await stack.enter_async_context(self._joined(credential, place, streams))
            receiver = await stack.enter_async_context(self._joined(credential, place, ()))
            feature = receiver.feature(_MEDIA_STATS)
            if not statistics.done():
                statistics.set_result(feature)
            return await self._measure(sender, receiver)

    @asynccontextmanager
    async def _joined(
        self,
        credential: AzureCommunicationTokenCredential,
        place: ProbeCallLocator,
        streams: tuple[StreamOptions, ...],
    ) -> AsyncIterator[Call]:
        async with self._context.new_client() as client:
            try:
                agent = await client.create_call_agent(credential)
            except CallingError as error:
                raise _failure("The service cannot be reached", 45703, error) from error
            call = agent.join(place, JoinCallOptions(streams=streams))
            try:
                async with asyncio.timeout(self.times.connect):
                    await call.connected()
            except CallingError as error:
                raise _failure("The test call cannot be joined", 45704, error) from error
            except TimeoutError as error:
                raise DeadlineError(
                    f"The test call was not connected within {self.times.connect:g} s.",
                    code=408,
                    sub_code=45708,
                    stage=Stage.SIGNALING,
                    next_step="Check that the service and its media port can be reached.",
                ) from error
            yield call

    async def _measure(self, sender: Call, receiver: Call) -> InCallDiagnostics:
        sent: list[MediaStatsReportSample] = []
        received: list[MediaStatsReportSample] = []
        for call, samples in ((sender, sent), (receiver, received)):
            collector = call.feature(_MEDIA_STATS).create_collector()
            collector.on(MediaStatsCollectorEvent.SAMPLE_REPORTED, samples.append)
        try:
            async with asyncio.timeout(self.times.video):
                publication = await self._video_of(sender, receiver)
                frames = publication.frames()
                await anext(frames)
        except (TimeoutError, StopAsyncIteration) as error:
            raise CallingError(
                f"No picture came through within {self.times.video:g} s.",
                sub_code=45702,
                stage=Stage.MEDIA,
                next_step="Check that UDP reaches the service's media port.",
            ) from error
        async with aclosing(frames):
            # A measurement takes time; this waits for nothing else.
            await asyncio.sleep(self.times.measure)
        return _judge(sent, received, _raised(sender, receiver))

    async def _video_of(self, sender: Call, receiver: Call) -> RemotePublication:
        """The test picture, once the receiver is subscribed to it."""
        streams = receiver.feature(_STREAMS)
        there = streams.endpoint(sender.id)
        videos = [] if there is None else there.publications
        for publication in videos:
            if publication.kind is PublicationKind.VIDEO:
                await publication.next_subscription()
                return publication
        raise CallingError(
            "The service does not offer the test picture.", sub_code=45702, stage=Stage.MEDIA
        )


def _judge(
    sent: list[MediaStatsReportSample],
    received: list[MediaStatsReportSample],
    raised: tuple[str, ...],
) -> InCallDiagnostics:
    if not received:
        raise CallingError("The test call reported no statistics.", sub_code=45701)
    pictures = [item for one in received for item in one.video.receive]
    if not pictures:
        raise CallingError("There are no statistics of the test picture.", sub_code=45707)
    sound = [item for one in received for item in one.audio.receive]
    return InCallDiagnostics(
        connected=True,
        diagnostics=CallDiagnostics(
            AudioInCallDiagnostics(*grade_streams(sound)),
            VideoInCallDiagnostics(*grade_streams(pictures)),
        ),
        band_width=grade_bandwidth(sent, received),
        raised=raised,
    )


def _raised(*calls: Call) -> tuple[str, ...]:
    """Diagnostics of the network that are bad now, each once."""
    bad: dict[str, None] = {}
    for call in calls:
        for name, latest in call.feature(_DIAGNOSTICS).network.get_latest().items():
            if latest.value is not False and latest.value is not DiagnosticQuality.GOOD:
                bad[name] = None
    return tuple(bad)


def _failure(what: str, sub_code: int, cause: CallingError) -> CallingError:
    return CallingError(
        f"{what}: {cause.message}",
        sub_code=sub_code,
        stage=cause.stage,
        next_step=cause.advice,
    )


def _settle(
    statistics: asyncio.Future[MediaStatsCallFeature], test: asyncio.Task[InCallDiagnostics]
) -> None:
    """Whoever waits for statistics of a call that failed hears why."""
    if statistics.done():
        return
    error = None if test.cancelled() else test.exception()
    if error is None:
        statistics.cancel()
    else:
        statistics.set_exception(error)
        statistics.exception()  # Nobody has to wait for it.


def _found(devices: Sequence[object]) -> DeviceAvailabilityGrade:
    if devices:
        return DeviceAvailabilityGrade.AVAILABLE
    return DeviceAvailabilityGrade.NOT_AVAILABLE
