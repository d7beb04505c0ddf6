"""The two media connections of a native client, each as one side of its endpoint.

The client offers on the publish side, the service on the subscribe side. The client's own names for
its streams (SDP track ids, data channel labels) end here.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from typing import Protocol

from acs_core import wire
from acs_core.core.facts import DataReliability, PublicationInfo, PublicationKind
from acs_core.rtc.data import DataChannel
from acs_core.service.endpoints import Endpoint, Subscription
from acs_core.service.sfu.data import DataSource
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import RefusalReason, SsrcPolicy
from acs_core.service.sfu.producer import Producer

__all__ = ["MediaOwner", "PublishSide", "SubscribeSide"]

_log = logging.getLogger(__name__)


class MediaOwner(Protocol):
    """Whose connections these are."""

    @property
    def id(self) -> str:
        """The endpoint's id."""

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint in the service's model."""

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Tell the client something."""

    def media_changed(self) -> None:
        """A connection became silent, or is heard again."""


class _Side(TransportListener):
    """One of the two media connections.

    Args:
        owner: Whose it is.
        engine: Makes transports.
        number: Counts the connections of this side, from 1.
        codecs: Encoding names that may be negotiated; None for all.
    """

    def __init__(
        self, owner: MediaOwner, engine: SfuEngine, number: int, codecs: Collection[str] | None
    ) -> None:
        self.owner = owner
        self.number = number
        self.transport = engine.create_transport(
            self, ssrc_policy=SsrcPolicy.KEEP, codec_names=codecs
        )

    def on_streams(self) -> None:
        """The remote end changed what it sends; only the publish side cares."""

    def on_channel(self, channel: DataChannel) -> None:
        """The remote end opened a data channel; only the publish side cares."""

    def on_refused(self, key: str, reason: RefusalReason, *, is_retried: bool) -> None:
        """The remote end does not get a stream; it knows why, unless there is no room for it."""
        if reason is RefusalReason.NO_SECTION:
            _log.warning("publication %s has no section left for %s", key, self.owner.id)

    def on_liveness(self) -> None:
        """The connection fell silent, or is heard again."""
        self.owner.media_changed()

    def on_failed(self) -> None:
        """No connection was made; the client has a deadline of its own, and asks for another."""


class PublishSide(_Side):
    """What the client sends: joins its own names with publications."""

    def __init__(
        self, owner: MediaOwner, engine: SfuEngine, number: int, codecs: Collection[str] | None
    ) -> None:
        super().__init__(owner, engine, number, codecs)
        self._publications: dict[str, PublicationInfo] = {}
        self._data: dict[str, DataSource] = {}
        self._unclaimed: dict[str, DataChannel] = {}

    def name(
        self, wanted: tuple[wire.NewPublication, ...], infos: tuple[PublicationInfo, ...]
    ) -> None:
        """Learn which publication each of the client's keys became."""
        for item, info in zip(wanted, infos, strict=True):
            self._publications[item.key] = info
        self._attach()

    def inherit(self, other: PublishSide) -> None:
        """Take over the publications of the connection that this one replaces."""
        self._publications = other._publications
        self._data = other._data
        self._attach()

    @property
    def keys(self) -> Iterable[str]:
        """The client's names of what it publishes."""
        return self._publications.keys()

    def drop(self, keys: tuple[str, ...]) -> list[str]:
        """Forget withdrawn streams; return the publications that they were."""
        dropped = []
        for key in keys:
            info = self._publications.pop(key, None)
            if info is not None:
                dropped.append(info.id)
            source = self._data.pop(key, None)
            if source is not None:
                source.close()
        return dropped

    def forget(self, publication: str) -> None:
        """Forget the name of a publication that is withdrawn without the client's asking."""
        self.drop(tuple(key for key, info in self._publications.items() if info.id == publication))

    def on_streams(self) -> None:
        """The client sends other streams than before."""
        self._attach()

    def on_channel(self, channel: DataChannel) -> None:
        """The client opened the channel of a data publication."""
        self._unclaimed[channel.label] = channel
        channel.on_close = lambda: self._unclaim(channel)
        self._attach()

    def _unclaim(self, channel: DataChannel) -> None:
        # Another channel may have taken the label since.
        if self._unclaimed.get(channel.label) is channel:
            del self._unclaimed[channel.label]

    def _attach(self) -> None:
        for key, info in self._publications.items():
            source: Producer | DataSource | None
            if info.kind is PublicationKind.DATA:
                source = self._data.setdefault(key, DataSource(info.id))
                channel = self._unclaimed.pop(key, None)
                if channel is not None:
                    source.read(channel)
            else:
                source = self.transport.producers.get(key)
                if source is not None and source.kind != info.kind.media:
                    _log.info("%s is a stream of kind %s, not %s", key, source.kind, info.kind)
                    source = None
                if source is not None:
                    self.owner.endpoint.call.router.add(source, self.owner.id, info.id)
            self.owner.endpoint.attach(info.id, source)


class SubscribeSide(_Side):
    """What the client receives: keeps the connection in line with the subscriptions."""

    def __init__(
        self, owner: MediaOwner, engine: SfuEngine, number: int, codecs: Collection[str] | None
    ) -> None:
        super().__init__(owner, engine, number, codecs)
        self._forwarded: dict[str, Producer | DataSource] = {}
        self._channels: dict[str, DataChannel] = {}
        self._revision = 0
        self._turns = engine.turns

    def refresh(self) -> None:
        """Bring the connection in line soon, once for all changes until then."""
        self._turns.add(self._align)

    def answered(self, body: wire.Answer) -> None:
        """The client answered an offer.

        Raises:
            CallingError: The answer does not fit.
        """
        if body.connection == self.number and body.revision == self._revision:
            self.transport.accept_answer(body.sdp)
            self._offer_if_needed()

    def _align(self) -> None:
        endpoint = self.owner.endpoint
        if not endpoint.is_in_call or self.transport.is_closed:
            return
        wanted = endpoint.subscriptions
        fresh = [publication for publication in wanted if publication not in self._forwarded]
        for publication in (*self._forwarded, *fresh):
            # One stream that cannot be sent must not cost the client the others.
            try:
                self._align_one(publication, wanted.get(publication))
            except Exception:
                _log.exception("publication %s is not forwarded to %s", publication, self.owner.id)
        self._offer_if_needed()

    def _align_one(self, publication: str, subscription: Subscription | None) -> None:
        source = self._forwarded.get(publication)
        if subscription is None:
            self._stop(publication)
            return
        if source is not None and subscription.source is not source:
            self._continue(publication, subscription.source)
        if publication not in self._forwarded:
            self._start(publication, subscription.source, subscription.publication.info)

    def _start(self, publication: str, source: object, info: PublicationInfo) -> None:
        if isinstance(source, Producer):
            self.transport.forward(publication, source)
            self._forwarded[publication] = source
        elif isinstance(source, DataSource):
            reliability = source.reliability or info.reliability or DataReliability()
            channel = self.transport.open_channel(publication, reliability)
            self._forwarded[publication] = source
            self._channels[publication] = channel
            source.feed(channel)

    def _continue(self, publication: str, source: object) -> None:
        """Go on from another source, or stop to be started again."""
        if isinstance(source, Producer) and self.transport.switch(publication, source):
            self._forwarded[publication] = source
        else:
            self._stop(publication)

    def _stop(self, publication: str) -> None:
        source = self._forwarded.pop(publication)
        if isinstance(source, Producer):
            self.transport.stop_forwarding(publication)
        else:
            channel = self._channels.pop(publication)
            source.starve(channel)
            channel.close()

    def _offer_if_needed(self) -> None:
        if not self.transport.needs_offer:
            return
        self._revision += 1
        self.owner.deliver(
            wire.Offer(
                endpoint=self.owner.id,
                connection=self.number,
                revision=self._revision,
                sdp=self.transport.create_offer(),
            )
        )
