"""A native client's endpoint: its media connections, and what it is told.

The adapter between `wire.py` messages and the model: requests become calls on `Endpoint` and on the
two `MediaTransport`s (publish: the client offers; subscribe: the service offers); facts and changed
subscriptions become deliveries. The client's own names for its streams (SDP track ids, data channel
labels) end here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.capabilities import ParticipantCapabilityName
from acs_core.core.facts import DataReliability, EndReason, Fact, PublicationInfo, PublicationKind
from acs_core.core.receiving import Forwarding
from acs_core.errors import InvalidArgumentError, InvalidStateError, ServiceError, Stage
from acs_core.rtc.data import DataChannel
from acs_core.service.admission import require
from acs_core.service.call_services import CallServices
from acs_core.service.calls import ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver, Subscription
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.sfu.data import DataSource
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.listeners import TransportListener
from acs_core.service.sfu.negotiation import RefusalReason, SsrcPolicy
from acs_core.service.sfu.producer import Producer
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["NativeEndpoint", "check_endpoint_id"]

_log = logging.getLogger(__name__)

ID_LENGTH: Final = 32
ROOM_CONNECT_FAILED: Final = 53104
"""Twilio's code; ACS has no such rooms and no code for them."""

Deliver = Callable[[wire.DeliveryBody], None]


class NativeEndpoint(EndpointObserver):
    """One endpoint of a native client; an `EndpointObserver`."""

    def __init__(
        self,
        engine: SfuEngine,
        services: CallServices,
        deliver: Deliver,
        on_gone: Callable[[NativeEndpoint], None],
    ) -> None:
        self._engine = engine
        self._services = services
        self._deliver = deliver
        self._on_gone = on_gone
        self._endpoint: Endpoint | None = None
        self._publish: _PublishSide | None = None
        self._subscribe: _SubscribeSide | None = None
        self._is_signaling_up = True

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self._in_call.id

    @property
    def _in_call(self) -> Endpoint:
        if self._endpoint is None:
            raise InvalidStateError("The endpoint is not in a call.", stage=Stage.SIGNALING)
        return self._endpoint

    # ------------------------------------------------------------ requests

    def join(self, call: ServerCall, principal: Principal, body: wire.Join) -> wire.Joined:
        """Enter a call; on failure `abandon` must follow.

        Raises:
            CallingError: The call or the offer is refused.
        """
        _check_media(call)
        _check_keys(body.publications, ())
        answer = None
        if body.offer is not None:
            self._publish = _PublishSide(self, self._engine, 1)
            answer = self._publish.transport.accept_offer(body.offer)
        endpoint = call.join(
            body.endpoint,
            principal,
            self,
            name=body.name if principal.kind is not PrincipalKind.TWILIO else "",
            policy=body.receive,
            publications=body.publications,
        )
        self._endpoint = endpoint
        infos = tuple(item.info for item in endpoint.publications.values())
        if self._publish is not None:
            self._publish.name(body.publications, infos)
        endpoint.refresh_subscriptions()
        # After the answer to the join, which says whose levels these are.
        asyncio.get_running_loop().call_soon(endpoint.tell_quality)
        return wire.Joined(
            call=call.id,
            revision=call.roster.revision,
            endpoints=tuple(call.roster.endpoints.values()),
            speakers=call.roster.speakers,
            room=_room_info(call),
            call_type=call.type,
            meeting="" if call.meeting is None else call.meeting.thread_id,
            pending=tuple(call.roster.pending.values()),
            is_recording=call.roster.is_recording,
            activity=call.roster.activity,
            media_access=call.roster.media_access,
            answer=answer,
            published=infos,
        )

    def handle(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Carry out a request.

        Raises:
            CallingError: It is refused; nothing has changed.
        """
        match body:
            case wire.Leave(for_everyone=for_everyone):
                self._leave(for_everyone=for_everyone)
            case wire.Publish():
                return self._publish_more(body)
            case wire.Unpublish(keys=keys):
                self._unpublish(keys)
            case wire.UpdatePublication():
                self._in_call.update(body.publication, enabled=body.enabled, priority=body.priority)
            case wire.SetReceivePolicy(policy=policy):
                self._in_call.set_policy(policy)
            case wire.Answer():
                if self._subscribe is not None:
                    self._subscribe.answered(body)
            case wire.Renegotiate(connection=connection):
                self._renegotiate(connection)
            case wire.Join():
                raise InvalidArgumentError("The endpoint is in a call already.", code=409)
            case _:
                self._services.handle(self._in_call, body)
        return wire.Answered()

    def _leave(self, *, for_everyone: bool) -> None:
        endpoint = self._in_call
        if for_everyone:
            if endpoint.principal.kind is PrincipalKind.TWILIO:
                raise ServiceError(
                    "A Twilio participant cannot end the room for everyone.",
                    stage=Stage.SIGNALING,
                    next_step="Complete the room over REST.",
                )
            require(
                ParticipantCapabilityName.HANG_UP_FOR_EVERY_ONE,
                endpoint.attributes,
                endpoint.call.type,
            )
            endpoint.call.end(endings.ENDED_FOR_EVERYONE, by=endpoint)
        else:
            endpoint.leave()
        self._on_gone(self)

    def _publish_more(self, body: wire.Publish) -> wire.Published:
        # First, because an accepted offer cannot be taken back.
        self._in_call.check(body.publications)
        side = self._publish
        _check_keys(body.publications, side.keys if side is not None else ())
        if side is None or body.connection != side.number:
            fresh = _PublishSide(self, self._engine, body.connection)
            try:
                answer = fresh.transport.accept_offer(body.offer)
            except BaseException:
                self._engine.close_soon(fresh.transport)
                raise
            if side is not None:
                fresh.inherit(side)
                self._engine.close_soon(side.transport)
            self._publish = side = fresh
        else:
            answer = side.transport.accept_offer(body.offer)
        infos = self._in_call.publish(body.publications)
        side.name(body.publications, infos)
        self._report_reachability()
        return wire.Published(answer=answer, publications=infos)

    def _unpublish(self, keys: tuple[str, ...]) -> None:
        for publication in self._publish.drop(keys) if self._publish is not None else ():
            self._in_call.unpublish(publication)

    def _renegotiate(self, connection: int) -> None:
        side = self._subscribe
        if side is None or side.number != connection:
            return
        self._engine.close_soon(side.transport)
        self._subscribe = _SubscribeSide(self, self._engine, side.number + 1)
        # The client waits for an offer, also when nobody publishes.
        self._subscribe.transport.want_data()
        self._subscribe.refresh()

    # ------------------------------------------------------------ what the call says

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        """Pass facts on."""
        self._deliver(wire.Facts(endpoint=self.id, revision=revision, facts=facts))

    def on_subscriptions(self) -> None:
        """Offer what is to be received now."""
        if self._subscribe is None:
            self._subscribe = _SubscribeSide(self, self._engine, 1)
        self._subscribe.refresh()

    def on_quality(self, levels: tuple[wire.QualityLevel, ...]) -> None:
        """Pass quality levels on."""
        self._deliver(wire.QualityNotice(endpoint=self.id, levels=levels))

    def on_forwarding(self, changes: tuple[Forwarding, ...]) -> None:
        """Pass on what is forwarded."""
        self._deliver(wire.ForwardingNotice(endpoint=self.id, changes=changes))

    def on_withdrawn(self, publication: str) -> None:
        """Forget the client's name of a stream that it may not send any more."""
        if self._publish is not None:
            self._publish.forget(publication)

    def on_media_missing(self, publication: str, *, is_missing: bool) -> None:
        """Pass on whether the recording gets a stream."""
        self._deliver(
            wire.MediaMissing(endpoint=self.id, publication=publication, is_missing=is_missing)
        )

    def on_notice(self, notice: wire.Notice) -> None:
        """Pass news on."""
        self._deliver(notice)

    def on_ended(self, reason: EndReason) -> None:
        """The call is over for this endpoint."""
        self._deliver(wire.Ended(endpoint=self.id, reason=reason))
        self._on_gone(self)

    # ------------------------------------------------------------ reachability and end

    def set_reachable(self, *, is_reachable: bool) -> None:
        """Signaling was lost or is back."""
        self._is_signaling_up = is_reachable
        self._report_reachability()

    def media_changed(self) -> None:
        """A media connection became silent, or is heard again."""
        self._report_reachability()

    def remove(self, reason: EndReason) -> None:
        """Take the endpoint out of the call because its client is gone."""
        endpoint = self._in_call
        endpoint.call.remove(endpoint, reason, tell=False)
        self._on_gone(self)

    def abandon(self) -> None:
        """Undo a join that failed."""
        if self._endpoint is not None:
            self._endpoint.leave()
        for transport in self.transports:
            self._engine.close_soon(transport)

    async def close(self) -> None:
        """End the media connections."""
        await asyncio.gather(*(transport.close() for transport in self.transports))

    @property
    def transports(self) -> list[MediaTransport]:
        """The media connections as of now."""
        sides = (self._publish, self._subscribe)
        return [side.transport for side in sides if side is not None]

    def _report_reachability(self) -> None:
        if self._endpoint is not None:
            is_heard = not any(transport.is_silent for transport in self.transports)
            self._endpoint.set_reachable(is_reachable=self._is_signaling_up and is_heard)

    # ------------------------------------------------------------ used by the sides

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint in the service's model."""
        return self._in_call

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Tell the client something."""
        self._deliver(body)


class _Side(TransportListener):
    """One of the two media connections."""

    def __init__(self, owner: NativeEndpoint, engine: SfuEngine, number: int) -> None:
        self.owner = owner
        self.number = number
        self.transport = engine.create_transport(self, ssrc_policy=SsrcPolicy.KEEP)

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


class _PublishSide(_Side):
    """What the client sends: joins its own names with publications."""

    def __init__(self, owner: NativeEndpoint, engine: SfuEngine, number: int) -> None:
        super().__init__(owner, engine, number)
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

    def inherit(self, other: _PublishSide) -> None:
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


class _SubscribeSide(_Side):
    """What the client receives: keeps the connection in line with the subscriptions."""

    def __init__(self, owner: NativeEndpoint, engine: SfuEngine, number: int) -> None:
        super().__init__(owner, engine, number)
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


def check_endpoint_id(endpoint_id: str) -> None:
    """Refuse an id that does not have the form of one.

    Raises:
        InvalidArgumentError: It is not 32 lower-case hex digits.
    """
    if len(endpoint_id) != ID_LENGTH or set(endpoint_id) - set("0123456789abcdef"):
        raise InvalidArgumentError("An endpoint id is 32 hex digits.", stage=Stage.ARGUMENT)


def _check_media(call: ServerCall) -> None:
    """Refuse rooms whose members connect to each other: native clients only know the service."""
    if call.room is not None and call.room.options.kind.is_relayed:
        raise ServiceError(
            f"Room {call.room.unique_name or call.room.id} is of type {call.room.options.kind}, "
            "for browsers that connect to each other.",
            sub_code=ROOM_CONNECT_FAILED,
            stage=Stage.ADMISSION,
            next_step="Create the room with type group.",
        )


def _check_keys(wanted: tuple[wire.NewPublication, ...], taken: Iterable[str]) -> None:
    seen = set(taken)
    for item in wanted:
        if item.key in seen:
            raise InvalidArgumentError(
                f"The key {item.key!r} names two publications.", stage=Stage.ARGUMENT
            )
        seen.add(item.key)


def _room_info(call: ServerCall) -> wire.RoomInfo | None:
    if call.room is None:
        return None
    return wire.RoomInfo(id=call.room.id, name=call.room.unique_name or f"RM{call.id}")
