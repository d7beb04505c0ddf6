"""A native client's endpoint: its media connections, and what it is told.

The adapter between `wire` messages and the model: requests become calls on `Endpoint` and on the
two sides of `native_media`; facts and changed subscriptions become deliveries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Final

from acs_core import wire
from acs_core.core import endings
from acs_core.core.capabilities import ParticipantCapabilityName
from acs_core.core.facts import EndReason, Fact
from acs_core.core.receiving import Forwarding
from acs_core.errors import InvalidArgumentError, InvalidStateError, ServiceError, Stage
from acs_core.service.admission import require
from acs_core.service.call_services import CallServices
from acs_core.service.calls import ServerCall
from acs_core.service.endpoints import Endpoint, EndpointObserver
from acs_core.service.identity import Principal, PrincipalKind
from acs_core.service.native_media import PublishSide, SubscribeSide
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.transport import MediaTransport

__all__ = ["NativeEndpoint", "check_endpoint_id"]

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
        self._codecs: Collection[str] | None = None
        self._publish: PublishSide | None = None
        self._subscribe: SubscribeSide | None = None
        self._is_signaling_up = True

    @property
    def id(self) -> str:
        """The endpoint's id."""
        return self.endpoint.id

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint in the service's model.

        Raises:
            InvalidStateError: It has not joined a call.
        """
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
        self._codecs = None if call.room is None else call.room.options.codec_names
        answer = None
        if body.offer is not None:
            self._publish = PublishSide(self, self._engine, 1, self._codecs)
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
            thread_id=call.thread_id,
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
            case wire.Leave():
                self._leave(body)
            case wire.Publish():
                return self._publish_more(body)
            case wire.Unpublish(keys=keys):
                self._unpublish(keys)
            case wire.UpdatePublication():
                self.endpoint.update(body.publication, enabled=body.enabled, priority=body.priority)
            case wire.SetReceivePolicy(policy=policy):
                self.endpoint.set_policy(policy)
            case wire.Answer():
                if self._subscribe is not None:
                    self._subscribe.answered(body)
            case wire.Renegotiate(connection=connection):
                self._renegotiate(connection)
            case wire.Join():
                raise InvalidArgumentError("The endpoint is in a call already.", code=409)
            case _:
                self._services.handle(self.endpoint, body)
        return wire.Answered()

    def _leave(self, body: wire.Leave) -> None:
        endpoint = self.endpoint
        if body.for_everyone:
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
            endpoint.leave(endings.MEDIA_LOST if body.has_lost_media else endings.HUNG_UP)
        self._on_gone(self)

    def _publish_more(self, body: wire.Publish) -> wire.Published:
        # First, because an accepted offer cannot be taken back.
        self.endpoint.check(body.publications)
        side = self._publish
        _check_keys(body.publications, side.keys if side is not None else ())
        if side is None or body.connection != side.number:
            fresh = PublishSide(self, self._engine, body.connection, self._codecs)
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
        infos = self.endpoint.publish(body.publications)
        side.name(body.publications, infos)
        self._report_reachability()
        return wire.Published(answer=answer, publications=infos)

    def _unpublish(self, keys: tuple[str, ...]) -> None:
        for publication in self._publish.drop(keys) if self._publish is not None else ():
            self.endpoint.unpublish(publication)

    def _renegotiate(self, connection: int) -> None:
        side = self._subscribe
        if side is None or side.number != connection:
            return
        self._engine.close_soon(side.transport)
        self._subscribe = SubscribeSide(self, self._engine, side.number + 1, self._codecs)
        # The client waits for an offer, also when nobody publishes.
        self._subscribe.transport.want_data()
        self._subscribe.refresh()
        self._report_reachability()

    # ------------------------------------------------------------ what the call says

    def on_facts(self, revision: int, facts: tuple[Fact, ...]) -> None:
        """Pass facts on."""
        self._deliver(wire.Facts(endpoint=self.id, revision=revision, facts=facts))

    def on_subscriptions(self) -> None:
        """Offer what is to be received now."""
        if self._subscribe is None:
            self._subscribe = SubscribeSide(self, self._engine, 1, self._codecs)
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
        endpoint = self.endpoint
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

    def deliver(self, body: wire.DeliveryBody) -> None:
        """Tell the client something."""
        self._deliver(body)


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
