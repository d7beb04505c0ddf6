"""`Features.RECEIVE_POLICY`: what this client receives, and what the service makes of it (ours).

ACS receives what is rendered; Twilio receives everything, or what is asked for. Here the service is
told one policy: what to subscribe to, how videos share the downlink, what is shown and how large,
and what matters most. What is subscribed to follows by `subscribed` and `unsubscribed` of
`Features.STREAMS`; which of the subscribed videos the service forwards, by `forwardingChanged`.

Theory of operation. The policy held here is the one that is wanted; a task per change tells the
service the newest one, unless an earlier task did so already, so many changes at once cost two
messages. When the service cannot be told, the policy falls back to the one that it knows. What is
said of a publication is forgotten when it is withdrawn, because ids never come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec.structs import replace

from acs_core.client.arguments import check_type
from acs_core.client.features.base import (
    CallContext,
    CallFeature,
    ForwardingReported,
    News,
    RosterChanged,
)
from acs_core.client.publications import RemotePublication
from acs_core.core.facts import EndpointLeft, Priority, PublicationRemoved
from acs_core.core.receiving import (
    BandwidthProfile,
    Dimensions,
    Forwarding,
    ReceiveHint,
    ReceivePolicy,
    ReceivePriority,
)
from acs_core.errors import CallingError, InvalidArgumentError
from acs_core.events import ReceivePolicyEvent

__all__ = ["ReceivePolicyFeature"]


class ReceivePolicyFeature(CallFeature):
    """What is received (not an ACS feature)."""

    NAME: ClassVar[str] = "ReceivePolicy"
    EVENTS: ClassVar[frozenset[str]] = frozenset(ReceivePolicyEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._policy = self._told = ReceivePolicy()
        self._changes = 0
        self._forwardings: dict[str, Forwarding] = {}

    @property
    def policy(self) -> ReceivePolicy:
        """What the service was told, or will be told when the call starts."""
        return self._policy

    @property
    def automatic(self) -> bool:
        """Whether everything is received that was not unsubscribed from."""
        return self._policy.automatic

    @property
    def profile(self) -> BandwidthProfile | None:
        """How videos share the downlink; without it none is switched off for bandwidth."""
        return self._policy.profile

    def forwarding(self, publication: RemotePublication) -> Forwarding | None:
        """What the service does with a video; None when it never said that it holds it back.

        Raises:
            InvalidArgumentError: It is no publication; so do the other methods that take one.
        """
        return self._forwardings.get(_key(publication))

    def start(self, policy: ReceivePolicy) -> None:
        """The policy with which the call is joined; the call says it."""
        self._policy = self._told = policy

    async def subscribe(self, publication: RemotePublication) -> None:
        """Receive a publication.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        key = _key(publication)
        if self._policy.automatic:
            without = tuple(item for item in self._policy.without if item != key)
            await self._tell(replace(self._policy, without=without))
        elif key not in self._policy.only:
            await self._tell(replace(self._policy, only=(*self._policy.only, key)))

    async def unsubscribe(self, publication: RemotePublication) -> None:
        """Do not receive a publication.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        key = _key(publication)
        if not self._policy.automatic:
            only = tuple(item for item in self._policy.only if item != key)
            await self._tell(replace(self._policy, only=only))
        elif key not in self._policy.without:
            await self._tell(replace(self._policy, without=(*self._policy.without, key)))

    async def set(self, *, automatic: bool) -> None:
        """Receive everything, or only what is subscribed to from now on.

        Going over from everything keeps nothing; exceptions are forgotten.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        if automatic is not self._policy.automatic:
            await self._tell(replace(self._policy, automatic=automatic, only=(), without=()))

    async def set_profile(self, profile: BandwidthProfile | None) -> None:
        """Choose how videos share the downlink; None lets each have what it needs.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        await self._tell(replace(self._policy, profile=profile))

    async def hint(
        self,
        publication: RemotePublication,
        *,
        enabled: bool | None = None,
        size: Dimensions | None = None,
    ) -> None:
        """Say what is done with a video, so that the service sends no more than that needs.

        Args:
            publication: A video; nothing is forwarded of others that are not `enabled`, either.
            enabled: False switches it off, True on again; None leaves that as it is.
            size: How large it is shown; None leaves that as it is.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        key = _key(publication)
        known = {item.publication: item for item in self._policy.hints}
        before = known.get(key, ReceiveHint(publication=key))
        known[key] = ReceiveHint(
            publication=key,
            enabled=before.enabled if enabled is None else enabled,
            size=size or before.size,
        )
        await self._tell(replace(self._policy, hints=tuple(known.values())))

    async def prioritize(
        self, publication: RemotePublication, priority: Priority | str | None
    ) -> None:
        """Say how much a publication matters here; None goes by what its publisher says.

        Raises:
            InvalidArgumentError: There is no such priority.
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        key = _key(publication)
        chosen = None if priority is None else _priority(priority)
        known = {item.publication: item for item in self._policy.priorities}
        known.pop(key, None)
        if chosen is not None:
            known[key] = ReceivePriority(publication=key, priority=chosen)
        await self._tell(replace(self._policy, priorities=tuple(known.values())))

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case ForwardingReported(changes=changes):
                self._report(changes)
            case RosterChanged(changes=changes):
                for change in changes:
                    match change.fact:
                        case PublicationRemoved(publication=publication):
                            self._forget({publication})
                        case EndpointLeft() if change.endpoint is not None:
                            self._forget(item.id for item in change.endpoint.publications)
                        case _:
                            pass
            case _:
                pass

    # ------------------------------------------------------------ inside

    def _report(self, reported: Iterable[Forwarding]) -> None:
        known = self._forwardings
        changes = tuple(item for item in reported if known.get(item.publication) != item)
        if changes:
            known |= {item.publication: item for item in changes}
            self._emit(ReceivePolicyEvent.FORWARDING_CHANGED, changes)

    def _forget(self, publications: Iterable[str]) -> None:
        """Withdrawn publications: the service has forgotten them by itself."""
        gone = frozenset(publications)
        for publication in gone:
            self._forwardings.pop(publication, None)
        is_told = self._told is self._policy
        self._policy = _without(self._policy, gone)
        self._told = self._policy if is_told else _without(self._told, gone)

    async def _tell(self, policy: ReceivePolicy) -> None:
        if policy == self._policy:
            return
        self._context.joined_session()
        self._policy = policy
        self._changes += 1
        change = self._changes
        try:
            await self._context.enqueued(self._tell_newest, "set receive policy")
        except CallingError:
            if self._changes == change:
                self._policy = self._told
            raise
        self._emit(ReceivePolicyEvent.POLICY_CHANGED)

    async def _tell_newest(self) -> None:
        newest = self._policy
        if newest != self._told:
            await self._context.joined_session().set_receive_policy(newest)
            self._told = newest


def _key(publication: RemotePublication) -> str:
    check_type(publication, RemotePublication, "A publication")
    return publication.id


def _priority(value: Priority | str) -> Priority:
    try:
        return Priority(value)
    except ValueError as error:
        raise InvalidArgumentError(
            f"There is no priority {value!r}.", next_step="Use low, standard or high."
        ) from error


def _without(policy: ReceivePolicy, gone: frozenset[str]) -> ReceivePolicy:
    """A policy that says nothing of some publications."""
    return replace(
        policy,
        only=tuple(item for item in policy.only if item not in gone),
        without=tuple(item for item in policy.without if item not in gone),
        hints=tuple(item for item in policy.hints if item.publication not in gone),
        priorities=tuple(item for item in policy.priorities if item.publication not in gone),
    )
