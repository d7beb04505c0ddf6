"""This program in a room: what it publishes.

Source: twilio-video.js 2.36, `lib/localparticipant.js`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, Unpack, final

from acs_core.client.emitter import TaskOwner
from acs_core.client.features.streams import StreamsFeature
from acs_core.core.facts import Priority
from acs_core.errors import CallingError, InvalidStateError, MediaError
from acs_core.media.sources import MediaSource
from twilio_compat.bandwidth import read_bandwidth_profile
from twilio_compat.create_tracks import as_local_track
from twilio_compat.errors import from_core, passes
from twilio_compat.events import LocalParticipantEvent, ParticipantEvent
from twilio_compat.local_data_track import LocalDataTrack
from twilio_compat.local_track import LocalTrack
from twilio_compat.maps import LiveMap
from twilio_compat.option_types import EncodingParameters, MediaStreamTrackPublishOptions
from twilio_compat.options import (
    NetworkQualityConfiguration,
    OptionBag,
    PublishOptions,
    read_network_quality,
    read_publish_options,
)
from twilio_compat.participant import Participant, ParticipantState
from twilio_compat.publication import (
    LocalAudioTrackPublication,
    LocalDataTrackPublication,
    LocalTrackPublication,
    LocalVideoTrackPublication,
    make_local_publication,
)
from twilio_compat.receiving import ReceiveControl
from twilio_compat.sending import SendPreferences, read_encoding_parameters

if TYPE_CHECKING:
    from acs_core.client.publications import LocalPublication

__all__ = ["LocalParticipant"]

_log = logging.getLogger(__name__)

REGION: Final = "self-hosted"
"""Twilio names a data center; here it is whatever computer runs the service."""


@final
class LocalParticipant(Participant):
    """This program in a room.

    Args:
        streams: `Features.STREAMS` of the call.
        identity: Of the access token.
        quality: How much to report about the network; None for nothing.
        sending: Codecs and limits of what is published.
        control: How the bandwidth profile is changed.
        tasks: Owner of coroutine listeners and of withdrawals under way.
    """

    EVENTS: ClassVar[frozenset[str]] = frozenset(LocalParticipantEvent)

    def __init__(
        self,
        streams: StreamsFeature,
        identity: str,
        quality: NetworkQualityConfiguration | None,
        sending: SendPreferences,
        control: ReceiveControl,
        tasks: TaskOwner,
    ) -> None:
        super().__init__(streams.local_endpoint_id, identity, tasks)
        self._streams = streams
        self._configuration = quality
        self._sending = sending
        self._control = control
        self._in_order = asyncio.Lock()
        # What is being published: the track, or the source that was given for one.
        self._pending: list[LocalTrack | MediaSource] = []
        self._is_over = False
        self._withdrawing: asyncio.Task[None] | None = None
        self._publications: dict[str, LocalTrackPublication] = {}
        self._audio: dict[str, LocalAudioTrackPublication] = {}
        self._video: dict[str, LocalVideoTrackPublication] = {}
        self._data: dict[str, LocalDataTrackPublication] = {}
        self._tracks = LiveMap(self._publications)
        self._audio_tracks = LiveMap(self._audio)
        self._video_tracks = LiveMap(self._video)
        self._data_tracks = LiveMap(self._data)

    @property
    def tracks(self) -> LiveMap[LocalTrackPublication]:
        """All publications by SID, in the order of publishing."""
        return self._tracks

    @property
    def audio_tracks(self) -> LiveMap[LocalAudioTrackPublication]:
        """Audio publications by SID."""
        return self._audio_tracks

    @property
    def video_tracks(self) -> LiveMap[LocalVideoTrackPublication]:
        """Video publications by SID; a shared screen is one of them."""
        return self._video_tracks

    @property
    def data_tracks(self) -> LiveMap[LocalDataTrackPublication]:
        """Data publications by SID."""
        return self._data_tracks

    @property
    def signaling_region(self) -> str:
        """Where signaling ends; always "self-hosted"."""
        return REGION

    @property
    def network_quality_configuration(self) -> NetworkQualityConfiguration | None:
        """How much is reported about the network (ours); None for nothing."""
        return self._configuration

    async def publish_track(
        self,
        track: LocalTrack | MediaSource,
        options: OptionBag | None = None,
        **keywords: Unpack[MediaStreamTrackPublishOptions],
    ) -> LocalTrackPublication:
        """Offer a track to the room; a track that is offered already gives its publication.

        Args:
            track: A local track, or a source, of which a track is made.
            options: `{"priority": "low" | "standard" | "high"}`; for a source also `name`.
            **keywords: The same.

        Raises:
            TwilioError: The service refuses it; `trackPublicationFailed` is emitted, too.
            MediaError: Its device or file cannot be opened; `trackPublicationFailed` likewise.
            InvalidStateError: It was unpublished, or the room was left, before it was published.
            TypeError: It is no track, unknown option, or a name for a track, which has one.
            ValueError: There is no such priority.
        """
        # A source becomes a track only once it is known that none of it is published.
        given = track if isinstance(track, MediaSource) else as_local_track(track)
        chosen = read_publish_options(options, keywords)
        if chosen.name is not None and not isinstance(track, MediaSource):
            raise TypeError("LocalTrackPublishOptions.name is only for a MediaSource")
        self._pending.append(given)
        try:
            async with self._in_order:
                existing = self._find(given)
                if existing is not None:
                    return existing
                if self._withdrawing is not None:
                    # A track that was withdrawn just now keeps its name until that is done.
                    await asyncio.wait([self._withdrawing])
                return await self._publish_pending(given, chosen)
        finally:
            self._forget_pending(given)

    async def publish_tracks(
        self, tracks: Sequence[LocalTrack | MediaSource]
    ) -> list[LocalTrackPublication]:
        """Offer several tracks, in order.

        Raises:
            TypeError: Not a list of tracks.
            TwilioError: As `publish_track`; tracks before that one stay published.
        """
        return [await self.publish_track(track) for track in _listed(tracks)]

    def unpublish_track(self, track: LocalTrack | MediaSource) -> LocalTrackPublication | None:
        """Withdraw a track, which goes on; None when it was not published.

        A track that is being published is not published then, and `publish_track` says so.

        Raises:
            TypeError: It is no track.
        """
        publication = self._find(track)
        if publication is None:
            if not isinstance(track, MediaSource):
                as_local_track(track)  # Says TypeError for what is no track at all.
            self._pending = [one for one in self._pending if one is not track]
            return None
        self._remove(publication)
        withdrawal = self._unpublish(publication.core, after=self._withdrawing)
        self._withdrawing = self._tasks.spawn(withdrawal, "unpublish track")
        return publication

    def unpublish_tracks(
        self, tracks: Sequence[LocalTrack | MediaSource]
    ) -> list[LocalTrackPublication]:
        """Withdraw several tracks; return the publications of those that were published.

        Raises:
            TypeError: Not a list of tracks.
        """
        found = [self.unpublish_track(track) for track in _listed(tracks)]
        return [publication for publication in found if publication is not None]

    def set_parameters(
        self, parameters: OptionBag | None = None, **keywords: Unpack[EncodingParameters]
    ) -> Self:
        """Limit the bit rates of what is sent, from now on and of tracks published later.

        Args:
            parameters: `{"maxAudioBitrate": ..., "maxVideoBitrate": ...}` in bits per second, for
                each track; what is not given stays, None takes a limit away, and nothing at all
                takes both away.
            **keywords: The same, in either spelling.

        Raises:
            TypeError: No object, an unknown key, not a number, or a limit of pictures where
                `preferredVideoCodecs` is "auto".
            ValueError: Below zero.
        """
        self._sending = read_encoding_parameters(parameters, keywords, self._sending)
        for publication in self._publications.values():
            if publication.kind != "data":
                publication.core.set_encoding(self._sending.encoding(publication.kind))
        return self

    def set_network_quality_configuration(
        self, configuration: NetworkQualityConfiguration | OptionBag
    ) -> Self:
        """Change how much is reported about the network.

        Raises:
            TypeError: Not an object.
        """
        if isinstance(configuration, bool) or configuration is None:
            raise TypeError("networkQualityConfiguration must be an object")
        chosen = read_network_quality(configuration)
        if self._configuration is None:
            _log.warning("Network quality is not reported: connect() was not asked for it.")
        else:
            self._configuration = chosen
        return self

    def set_bandwidth_profile(self, profile: OptionBag) -> Self:
        """Change how received videos share the downlink; in twilio-video.js this is a stub.

        Args:
            profile: As the option `bandwidthProfile` of `connect`, in full. Who switches videos off
                (`clientTrackSwitchOffControl`, `contentPreferencesMode`) stays as it was there.

        Raises:
            TypeError: Of the wrong type, an unknown key, or keys that exclude each other.
            ValueError: Not one of the values that there are.
        """
        options = read_bandwidth_profile(profile)
        if options is None:
            raise TypeError("bandwidthProfile must be an object")
        self._control.set_profile(options)
        return self

    # ------------------------------------------------------------ for `Room`

    def add(self, core: LocalPublication, track: LocalTrack) -> LocalTrackPublication:
        """Note a publication."""
        publication = make_local_publication(core, track, self, self._tasks)
        sid = publication.track_sid
        self._publications[sid] = publication
        match publication:
            case LocalAudioTrackPublication():
                self._audio[sid] = publication
            case LocalVideoTrackPublication():
                self._video[sid] = publication
            case LocalDataTrackPublication():
                self._data[sid] = publication
        return publication

    def _failed(self, core: LocalPublication, error: CallingError) -> None:
        """The service could not be told of a change."""
        for publication in self._publications.values():
            if publication.core is core:
                failure = from_core(error)
                event = LocalParticipantEvent.TRACK_PUBLICATION_FAILED
                self._later(event, failure, publication.track)
                return

    def _warned(self, core: LocalPublication, *name: str) -> LocalTrackPublication | None:
        """Tell publication and participant of a warning, or without name that it is over."""
        publication = next((one for one in self._publications.values() if one.core is core), None)
        if publication is not None:
            publication._warned(*name)
            event = LocalParticipantEvent
            self.emit(
                event.TRACK_WARNING if name else event.TRACK_WARNINGS_CLEARED, *name, publication
            )
        return publication

    def set_state(self, state: ParticipantState) -> None:
        """The room's connection changed."""
        self._state = state
        self.emit(str(state), self)
        if state is ParticipantState.CONNECTED:
            self.emit(ParticipantEvent.RECONNECTED)

    def _release(self) -> None:
        """Let go of all tracks; the room is over."""
        self._is_over = True
        self._pending.clear()
        for publication in tuple(self._publications.values()):
            self._remove(publication)

    # ------------------------------------------------------------ inside

    async def _publish_pending(
        self, given: LocalTrack | MediaSource, options: PublishOptions
    ) -> LocalTrackPublication:
        """Publish what is in `_pending`, unless it is taken out of it before that is done."""
        track = as_local_track(given, name=options.name)
        self._check_pending(given)
        sending = self._sending
        try:
            core = await self._publish(track, options)
        except CallingError as error:
            self._check_pending(given)
            failure = from_core(error)
            if not passes(error) or isinstance(error, MediaError):
                self._later(LocalParticipantEvent.TRACK_PUBLICATION_FAILED, failure, track)
            if passes(error):
                raise
            raise failure from error
        if not self._is_pending(given):
            await self._unpublish(core, after=None)
        self._check_pending(given)
        publication = self.add(core, track)
        if self._sending is not sending and publication.kind != "data":
            core.set_encoding(self._sending.encoding(publication.kind))
        self._later(LocalParticipantEvent.TRACK_PUBLISHED, publication)
        return publication

    def _is_pending(self, given: LocalTrack | MediaSource) -> bool:
        return any(one is given for one in self._pending)

    def _check_pending(self, given: LocalTrack | MediaSource) -> None:
        if not self._is_pending(given):
            name = given.label if isinstance(given, MediaSource) else given.name
            raise InvalidStateError(f"The track {name!r} was unpublished.")

    def _forget_pending(self, given: LocalTrack | MediaSource) -> None:
        for index, one in enumerate(self._pending):
            if one is given:
                del self._pending[index]
                return

    def _find(self, track: object) -> LocalTrackPublication | None:
        for publication in self._publications.values():
            own = publication.track
            if own is track:
                return publication
            if not isinstance(own, LocalDataTrack) and own.media_stream_track is track:
                return publication
        return None

    async def _publish(self, track: LocalTrack, options: PublishOptions) -> LocalPublication:
        if isinstance(track, LocalDataTrack):
            return await self._streams.publish_data(
                name=track.name,
                ordered=track.ordered,
                max_retransmits=track.max_retransmits,
                max_packet_life_time_ms=track.max_packet_life_time,
            )
        return await self._streams.publish(
            track.sent_source,
            name=track.name,
            enabled=track.is_enabled,
            priority=Priority(str(options.priority)),
            screen=track.is_screen,
            encoding=self._sending.encoding(track.kind),
        )

    async def _unpublish(self, core: LocalPublication, *, after: asyncio.Task[None] | None) -> None:
        if after is not None:
            await asyncio.wait([after])
        if self._is_over:
            return  # Nothing of ours is in the call any more.
        try:
            await self._streams.unpublish(core)
        except CallingError as error:
            # The end of the call withdraws everything, also what was being withdrawn.
            if not self._is_over:
                _log.warning("Withdrawing %s failed: %s", core.name, error)

    def _remove(self, publication: LocalTrackPublication) -> None:
        publication._release()
        maps: tuple[dict[str, Any], ...] = (
            self._publications,
            self._audio,
            self._video,
            self._data,
        )
        for items in maps:
            items.pop(publication.track_sid, None)

    def _later(self, event: LocalParticipantEvent, *arguments: object) -> None:
        """Tell after the triggering call returned, as Twilio does."""

        def tell() -> None:
            if not self._is_over:
                self.emit(event, *arguments)

        asyncio.get_running_loop().call_soon(tell)

    # Twilio's spellings; tests/twilio_compat/test_names.py checks them.
    audioTracks = audio_tracks
    videoTracks = video_tracks
    dataTracks = data_tracks
    signalingRegion = signaling_region
    publishTrack = publish_track
    publishTracks = publish_tracks
    unpublishTrack = unpublish_track
    unpublishTracks = unpublish_tracks
    setNetworkQualityConfiguration = set_network_quality_configuration
    setBandwidthProfile = set_bandwidth_profile
    setParameters = set_parameters


def _listed(tracks: object) -> Sequence[Any]:
    if isinstance(tracks, str | bytes) or not isinstance(tracks, Sequence):
        raise TypeError("tracks must be an Array of LocalAudioTrack, LocalVideoTrack, ...")
    return tracks
