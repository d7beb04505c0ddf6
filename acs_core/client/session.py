"""The client's side of one call, in the service's words and without any vendor's rules.

Theory of operation. A session has one signaling connection (shared with the agent's other calls)
and up to two media connections: `publish` (`publishing.py`), on which this end offers, and
`subscribe` (`receiving.py`), on which the service offers. The roster is what the service says; the
observer hears of each change after it was applied. When a media connection goes silent while
signaling works, it is replaced (`media_recovery.py`); publications and readers of frames stay.
When that does not succeed within the window, or signaling is gone for good, the session ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from acs_core import wire
from acs_core.client.contained import tell
from acs_core.client.entry import Entry, roster_of
from acs_core.client.media_recovery import MediaRecovery
from acs_core.client.publishing import LocalStream, NewStream, PublishLeg, SessionOptions
from acs_core.client.receiving import SubscribeLeg
from acs_core.client.session_model import (
    RosterChange,
    SessionObserver,
    SessionState,
    SessionStats,
)
from acs_core.client.signaling import SignalingConnection
from acs_core.core import endings
from acs_core.core.facts import (
    CallType,
    DataReliability,
    EndpointInfo,
    EndpointJoined,
    EndpointLeft,
    EndReason,
    Fact,
    Priority,
    PublicationAdded,
    PublicationRemoved,
)
from acs_core.core.roster import Roster
from acs_core.errors import (
    CallingError,
    DeadlineError,
    InvalidStateError,
    ProtocolError,
    ServiceError,
    Stage,
)
from acs_core.media.receiver import StreamReceiver

__all__ = [
    "CallSession",
    "LocalStream",
    "NewStream",
    "RosterChange",
    "SessionObserver",
    "SessionOptions",
    "SessionState",
    "SessionStats",
]

_log = logging.getLogger(__name__)

LEAVE_TIMEOUT: Final = 1.0
LOSS_GRACE: Final = 0.25
"""Seconds for signaling to tell that it is not a loss."""


class CallSession:
    """One endpoint in one call."""

    def __init__(
        self,
        connection: SignalingConnection,
        observer: SessionObserver,
        *,
        endpoint_id: str,
        locator: wire.Locator,
        name: str = "",
        receive: wire.ReceivePolicy | None = None,
        options: SessionOptions | None = None,
    ) -> None:
        self.id = endpoint_id
        self.room: wire.RoomInfo | None = None
        self.thread_id = ""
        self._connection = connection
        self._observer = observer
        self._locator = locator
        self._name = name
        self._entry = Entry(connection, observer)
        self._receive = receive or wire.ReceivePolicy()
        self._options = options or SessionOptions()
        self._state = SessionState.IDLE
        self._roster = Roster()
        self._call_id = ""
        self._has_asked = False
        self._signaling_error: CallingError | None = None
        publish_failed = partial(self._leg_failed, "publish")
        self._publish = PublishLeg(
            endpoint_id, self._ask, self._insist, self._options, publish_failed
        )
        self._subscribe = SubscribeLeg(
            endpoint_id,
            self._ask,
            self._options,
            observer,
            partial(self._leg_failed, "subscribe"),
            lambda publication: self._roster.owner(publication) is not None,
        )
        self._recovery = MediaRecovery(
            {"publish": self._publish, "subscribe": self._subscribe},
            lambda: self._options.media_window or connection.window,
            self._options.media_timeout,
            on_restored=self._maybe_recovered,
            on_given_up=self._give_up_media,
        )
        self._joining: asyncio.Task[tuple[LocalStream, ...]] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._refusal: ServiceError | None = None

    # ------------------------------------------------------------ state

    @property
    def state(self) -> SessionState:
        """Where the session is in its life."""
        return self._state

    @property
    def roster(self) -> Roster:
        """Who is in the call and what they offer."""
        return self._roster

    @property
    def call_type(self) -> CallType:
        """How the call came about; known after `join`."""
        return self._roster.call_type

    @property
    def call_id(self) -> str:
        """ACS's serverCallId; empty before the join succeeded."""
        return self._call_id

    @property
    def streams(self) -> Mapping[str, LocalStream]:
        """Our publications by publication id."""
        return self._publish.streams

    def receiver(self, publication: str) -> StreamReceiver | None:
        """What decodes a publication, while it is subscribed."""
        return self._subscribe.receiver(publication)

    def is_subscribed(self, publication: str) -> bool:
        """Whether media or data of a publication arrives."""
        return self._subscribe.is_subscribed(publication)

    def reliability(self, publication: str) -> DataReliability | None:
        """How hard the data channel of a subscribed publication tries."""
        return self._subscribe.reliability(publication)

    def stats(self) -> SessionStats:
        """Measurements of both media connections."""
        return SessionStats(self._publish.stats(), self._subscribe.stats())

    # ------------------------------------------------------------ actions

    async def join(self, streams: Sequence[NewStream] = ()) -> tuple[LocalStream, ...]:
        """Enter the call and connect what is published from the start.

        Raises:
            InvalidStateError: Joined before.
            ServiceError: The service refuses; the code says why.
            TransportError: Signaling or media cannot be connected; the stage says which.
        """
        if self._state is not SessionState.IDLE:
            raise InvalidStateError(f"The session is {self._state}.", stage=Stage.SIGNALING)
        self._set_state(SessionState.JOINING)
        self._joining = asyncio.create_task(self._enter(streams), name="join")
        try:
            # Waited for, not awaited: leaving cancels that task, and must not cancel this one.
            await asyncio.wait({self._joining})
            local = () if self._joining.cancelled() else self._joining.result()
            if self._ending is not None:
                raise InvalidStateError(
                    "The call ended while it was being joined.", stage=Stage.SIGNALING
                )
        except BaseException:
            await self.leave()
            raise
        self._set_state(SessionState.JOINED)
        for body in self._entry.take_early():
            self.delivered(body)
        self._catch_up()
        return local

    async def publish(self, stream: NewStream) -> LocalStream:
        """Offer one more stream to the call.

        Raises:
            CallingError: Not joined, or the service refuses it.
        """
        self._require_joined()
        return await self._publish.add(stream)

    async def unpublish(self, stream: LocalStream) -> None:
        """Withdraw a stream."""
        self._require_joined()
        await self._publish.remove(stream)

    async def update(
        self,
        stream: LocalStream,
        *,
        enabled: bool | None = None,
        priority: Priority | None = None,
    ) -> None:
        """Enable, disable or re-prioritise a stream of ours; takes effect here at once."""
        stream.enabled = stream.enabled if enabled is None else enabled
        stream.priority = priority or stream.priority
        if stream.sender is not None:
            stream.sender.enabled = stream.is_sending
        if stream.info is not None and self._state is not SessionState.ENDED:
            await self._insist(
                wire.UpdatePublication(
                    endpoint=self.id,
                    publication=stream.id,
                    enabled=stream.enabled,
                    priority=stream.priority,
                )
            )

    async def set_receive_policy(self, policy: wire.ReceivePolicy) -> None:
        """Choose what to receive."""
        self._require_joined()
        self._receive = policy
        await self._ask(wire.SetReceivePolicy(endpoint=self.id, policy=policy))

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Ask the service for something about this call, and return its answer.

        Raises:
            InvalidStateError: Not joined.
            CallingError: The service refuses, or does not answer in time.
        """
        self._require_joined()
        return await self._ask(body)

    async def leave(self, *, for_everyone: bool = False) -> None:
        """Leave the call and release everything, within 2 s. Leaving again does nothing.

        Raises:
            ServiceError: We have left, but may not end the call for everyone.
        """
        if self._state in (SessionState.IDLE, SessionState.ENDED):
            self._finish(endings.HUNG_UP)
        elif self._ending is None:
            self._set_state(SessionState.LEAVING)
            self._finish(endings.HUNG_UP, wire.Leave(endpoint=self.id, for_everyone=for_everyone))
        if self._ending is not None and self._ending is not asyncio.current_task():
            await asyncio.shield(self._ending)
        if for_everyone and self._refusal is not None:
            raise self._refusal

    # ------------------------------------------------------------ what signaling tells

    def delivered(self, body: wire.DeliveryBody) -> None:
        """Take what the service says about this endpoint; the call agent routes it here."""
        if self._ending is not None:
            return
        if self._state is SessionState.JOINING and not isinstance(body, wire.Ended):
            if isinstance(body, wire.Offer):
                self._subscribe.offered(body)
            else:
                self._entry.delivered(body)
            return
        match body:
            case wire.Facts(revision=revision, facts=facts):
                self._apply(revision, facts)
            case wire.Offer():
                self._subscribe.offered(body)
            case wire.QualityNotice(levels=levels):
                tell(self._observer.on_quality, levels)
            case wire.ForwardingNotice(changes=changes):
                tell(self._observer.on_forwarding, changes)
            case wire.Ended(reason=reason):
                self._finish(reason)
            case (
                wire.MutedByOthers()
                | wire.Reaction()
                | wire.ThreadChanged()
                | wire.TransferRequested()
                | wire.TransferredHere()
                | wire.TransferChanged()
                | wire.Transcribed()
                | wire.RealTimeText()
                | wire.DiagnosticsReported()
                | wire.MediaMissing()
            ):
                tell(self._observer.on_notice, body)
            case _:
                _log.debug("unexpected delivery %s", type(body).__name__)

    def signaling_lost(self, error: CallingError) -> None:
        """Signaling is trying to come back; media goes on meanwhile."""
        self._signaling_error = error
        self._reconnecting(error)

    def signaling_resumed(self) -> None:
        """Signaling is back and nothing was missed."""
        self._signaling_error = None
        self._recovery.signaling_resumed()
        self._maybe_recovered()

    def signaling_closed(self, error: CallingError) -> None:
        """Signaling will not come back."""
        self._finish(
            EndReason(
                code=error.code or endings.LINK_LOST.code,
                sub_code=error.sub_code or endings.LINK_LOST.sub_code,
                message=error.message,
            )
        )

    # ------------------------------------------------------------ inside

    async def _enter(self, streams: Sequence[NewStream]) -> tuple[LocalStream, ...]:
        local, offer = await self._publish.prepare(streams)
        await self._connection.ready()
        self._has_asked = True
        joined = await self._entry.ask(
            wire.Join(
                endpoint=self.id,
                locator=self._locator,
                name=self._name,
                offer=offer,
                publications=tuple(stream.to_wire() for stream in local),
                receive=self._receive,
            )
        )
        self._call_id = joined.call
        self.room = joined.room
        self.thread_id = joined.thread_id
        self._roster = roster_of(joined)
        self._subscribe.start(joined.ice_servers)
        await self._publish.confirm(local, joined.answer, joined.published, joined.ice_servers)
        return tuple(local)

    async def _ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        return await self._connection.request(body)

    async def _insist(self, body: wire.RequestBody) -> None:
        with contextlib.suppress(DeadlineError):
            await self._connection.request(body, must_arrive=True)

    def _apply(self, revision: int, facts: Sequence[Fact]) -> None:
        first = revision - len(facts) + 1
        for offset, fact in enumerate(facts):
            before = self._roster.about(fact)
            self._unsubscribe_for(fact, before)
            try:
                new = self._roster.apply(first + offset, (fact,))
            except ProtocolError as error:
                _log.error("the roster cannot follow: %s", error)
                self._finish(
                    EndReason(code=500, sub_code=53000, message=error.message),
                    wire.Leave(endpoint=self.id),
                )
                return
            if new:
                after = self._roster.about(fact) or before
                tell(self._observer.on_facts, (RosterChange(fact, after),))
                self._subscribe_for(fact)

    def _subscribe_for(self, fact: Fact) -> None:
        """Tell what came ahead of a publication."""
        if isinstance(fact, PublicationAdded):
            self._subscribe.known(fact.publication.id)
        elif isinstance(fact, EndpointJoined):
            for publication in fact.endpoint.publications:
                self._subscribe.known(publication.id)

    def _unsubscribe_for(self, fact: Fact, endpoint: EndpointInfo | None) -> None:
        if isinstance(fact, PublicationRemoved):
            self._subscribe.forget(fact.publication)
        elif isinstance(fact, EndpointLeft) and endpoint is not None:
            for publication in endpoint.publications:
                self._subscribe.forget(publication.id)

    # ------------------------------------------------------------ reconnecting

    def _catch_up(self) -> None:
        """What was lost while joining is restored from now on."""
        if self._signaling_error is not None:
            self._reconnecting(self._signaling_error)
        for error in list(self._recovery.lost.values()):
            self._restore_media(error)

    def _leg_failed(self, leg: str, error: CallingError) -> None:
        # Not at once: when the service ends the call, it closes the media before we have read
        # that; and when the program ends, its tasks are cancelled together, in any order.
        connection = self._recovery.connection(leg)
        asyncio.get_running_loop().call_later(LOSS_GRACE, self._media_lost, leg, error, connection)

    def _media_lost(self, leg: str, error: CallingError, connection: int) -> None:
        if self._connection.is_closed or self._ending is not None:
            return
        if self._recovery.note(leg, error, connection):
            self._restore_media(error)

    def _restore_media(self, error: CallingError) -> None:
        if self._state in (SessionState.JOINED, SessionState.RECONNECTING):
            self._reconnecting(error)
            self._connection.probe()
            self._recovery.start()

    def _give_up_media(self) -> None:
        goodbye = wire.Leave(endpoint=self.id, has_lost_media=True)
        self._finish(endings.MEDIA_LOST, goodbye)

    def _reconnecting(self, error: CallingError) -> None:
        if self._state is SessionState.JOINED:
            self._set_state(SessionState.RECONNECTING, error)

    def _maybe_recovered(self) -> None:
        if (
            self._state is SessionState.RECONNECTING
            and self._signaling_error is None
            and not self._recovery.lost
        ):
            self._set_state(SessionState.JOINED)

    # ------------------------------------------------------------ endings

    def _finish(self, reason: EndReason, goodbye: wire.Leave | None = None) -> None:
        if self._ending is None and self._state is not SessionState.ENDED:
            self._ending = asyncio.create_task(self._end(reason, goodbye), name="session end")

    async def _end(self, reason: EndReason, goodbye: wire.Leave | None) -> None:
        tasks = {task for task in (self._joining, self._recovery.task) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        results = await asyncio.gather(
            self._say_goodbye(goodbye),
            self._publish.close(),
            self._subscribe.close(),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                _log.error("closing a media connection failed", exc_info=result)
        self._set_state(SessionState.ENDED)
        tell(self._observer.on_ended, reason)

    async def _say_goodbye(self, goodbye: wire.Leave | None) -> None:
        if goodbye is None or not self._has_asked:
            return
        try:
            await self._connection.request(goodbye, timeout=LEAVE_TIMEOUT, must_arrive=True)
        except ServiceError as error:
            self._refusal = error
            if goodbye.for_everyone:
                await self._say_goodbye(wire.Leave(endpoint=self.id))
        except CallingError as error:
            _log.debug("the service has not confirmed that we left: %s", error)

    def _require_joined(self) -> None:
        if self._state not in (SessionState.JOINED, SessionState.RECONNECTING):
            raise InvalidStateError(
                f"The call is {self._state}; this needs a joined call.", stage=Stage.SIGNALING
            )

    def _set_state(self, state: SessionState, error: CallingError | None = None) -> None:
        if state is not self._state:
            self._state = state
            tell(self._observer.on_state, state, error)
