"""What one client publishes: its tracks joined with publications and with their media.

Theory of operation. The client always says the complete list of its tracks, under ids of its own;
the difference to the last list is published, withdrawn or changed. The same ids name its media: the
second word of an msid in its SDP, or the label of a data channel. List and media arrive in either
order and are joined here; a publication can be received once both are known. A track that is
refused stays in the list as failed until the client leaves it out; the others are not affected.

Source: twilio-video.js 2.36 on the wire.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from acs_core import wire
from acs_core.core.facts import PublicationInfo, PublicationKind
from acs_core.errors import CallingError, InvalidArgumentError, Stage
from acs_core.rtc.data import DataChannel, DataChannelState
from acs_core.service.endpoints import Endpoint
from acs_core.service.sfu.data import DataSource
from acs_core.service.sfu.transport import MediaTransport
from twilio_compat.gateway.messages import ParticipantState, TrackState, priority, track_sid

__all__ = ["LocalTracks"]

_log = logging.getLogger(__name__)

TRACK_INVALID: Final = 53300


@dataclass(slots=True)
class _Track:
    """One track of the client: published, or failed."""

    state: TrackState
    info: PublicationInfo | None = None
    error: CallingError | None = None
    data: DataSource | None = None


class LocalTracks:
    """The tracks of one client."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}
        self._channels: dict[str, DataChannel] = {}
        self._revision = 0

    # ------------------------------------------------------------ the list

    def first(self, endpoint: Endpoint, state: ParticipantState) -> tuple[wire.NewPublication, ...]:
        """What to join with; `joined` follows.

        Args:
            endpoint: Not in the call yet; it says what it would refuse.
            state: From `connect`.
        """
        self._revision = state.revision
        accepted: list[wire.NewPublication] = []
        for item in {item.id: item for item in state.tracks}.values():
            track = self._tracks[item.id] = _Track(item)
            try:
                wanted = _publication(item)
                endpoint.call.check_publications(endpoint, (*accepted, wanted))
            except CallingError as error:
                track.error = error
            else:
                accepted.append(wanted)
        return tuple(accepted)

    def joined(self, infos: Iterable[PublicationInfo]) -> None:
        """Learn what the tracks of `first` became, in the same order."""
        tracks = (track for track in self._tracks.values() if track.error is None)
        for track, info in zip(tracks, infos, strict=True):
            track.info = info

    def take(self, endpoint: Endpoint, state: ParticipantState) -> bool:
        """Take the client's newest list; False when it is not newer than the last."""
        if state.revision <= self._revision:
            return False
        self._revision = state.revision
        listed = {item.id: item for item in state.tracks}
        for track_id in [key for key in self._tracks if key not in listed]:
            self._withdraw(endpoint, track_id)
        for item in listed.values():
            known = self._tracks.get(item.id)
            if known is None:
                self._publish(endpoint, item)
            elif known.info is not None and known.state != item:
                self._change(endpoint, known, item)
        return True

    def published(self) -> dict[str, Any]:
        """The object of that name, for the client."""
        return {
            "revision": self._revision,
            "tracks": [_published(key, track) for key, track in self._tracks.items()],
        }

    @property
    def own_ids(self) -> dict[str, str]:
        """The client's own id of each published track, by SID."""
        tracks = self._tracks.items()
        return {track_sid(track.info.id): key for key, track in tracks if track.info is not None}

    # ------------------------------------------------------------ the media

    def attach(self, endpoint: Endpoint, transport: MediaTransport) -> None:
        """Join tracks with the media that the connection brings now."""
        for key, track in self._tracks.items():
            if track.info is None:
                continue
            if track.info.kind is PublicationKind.DATA:
                self._attach_data(endpoint, key, track, track.info)
            else:
                _attach_media(endpoint, transport, key, track.info)

    def opened(self, channel: DataChannel) -> None:
        """The client opened a data channel, perhaps that of a track; `attach` follows."""
        self._channels[channel.label] = channel
        channel.on_close = lambda: self._closed(channel)

    def _attach_data(
        self, endpoint: Endpoint, key: str, track: _Track, info: PublicationInfo
    ) -> None:
        channel = self._channels.pop(key, None)
        if channel is None or channel.state is DataChannelState.CLOSED:
            return
        # Only now: what is sent on a channel that is still connecting would be lost.
        if track.data is None:
            track.data = DataSource(info.id)
        track.data.read(channel)
        endpoint.attach(info.id, track.data)

    def _closed(self, channel: DataChannel) -> None:
        if self._channels.get(channel.label) is channel:
            del self._channels[channel.label]

    # ------------------------------------------------------------ changes

    def _publish(self, endpoint: Endpoint, item: TrackState) -> None:
        track = self._tracks[item.id] = _Track(item)
        try:
            (track.info,) = endpoint.publish((_publication(item),))
        except CallingError as error:
            _log.info("track %r is not published: %s", item.name, error)
            track.error = error

    def _withdraw(self, endpoint: Endpoint, track_id: str) -> None:
        track = self._tracks.pop(track_id)
        if track.data is not None:
            track.data.close()
        if track.info is not None and track.info.id in endpoint.publications:
            endpoint.unpublish(track.info.id)

    def _change(self, endpoint: Endpoint, track: _Track, item: TrackState) -> None:
        assert track.info is not None
        enabled = item.enabled
        publication = endpoint.publications.get(track.info.id)
        if publication is not None and enabled is track.state.enabled:
            # Only another priority: who was muted by others has not unmuted by that.
            enabled = publication.info.enabled
        try:
            endpoint.update(track.info.id, enabled=enabled, priority=priority(item.priority))
        except CallingError as error:
            _log.info("track %r stays as it is: %s", item.name, error)
        else:
            track.state = item


def _publication(item: TrackState) -> wire.NewPublication:
    kinds = {
        "audio": PublicationKind.AUDIO,
        "video": PublicationKind.VIDEO,
        "data": PublicationKind.DATA,
    }
    if item.kind not in kinds:
        raise InvalidArgumentError(
            f"There is no kind of track {item.kind!r}.",
            sub_code=TRACK_INVALID,
            stage=Stage.ARGUMENT,
        )
    return wire.NewPublication(
        key=item.id,
        kind=kinds[item.kind],
        name=item.name,
        enabled=item.enabled,
        priority=priority(item.priority),
    )


def _published(track_id: str, track: _Track) -> dict[str, Any]:
    if track.info is not None:
        return {"id": track_id, "sid": track_sid(track.info.id), "state": "ready"}
    error = track.error
    code = (error.sub_code if error is not None else 0) or TRACK_INVALID
    message = error.message if error is not None else "The track is invalid."
    return {"id": track_id, "state": "failed", "error": {"code": code, "message": message}}


def _attach_media(
    endpoint: Endpoint, transport: MediaTransport, track_id: str, info: PublicationInfo
) -> None:
    producer = transport.producers.get(track_id)
    if producer is not None and producer.kind != info.kind.media:
        _log.info("%s is a stream of kind %s, not %s", track_id, producer.kind, info.kind)
        producer = None
    if producer is not None:
        endpoint.call.router.add(producer, endpoint.id, info.id)
    endpoint.attach(info.id, producer)
