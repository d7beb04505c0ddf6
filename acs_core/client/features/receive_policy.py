"""`Features.RECEIVE_POLICY`: what this client receives (ours).

ACS receives what is rendered; Twilio receives everything, or what is asked for. Here the service is
told one policy, and tells what follows from it by `subscribed` and `unsubscribed` of
`Features.STREAMS`.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec.structs import replace

from acs_core.client.features.base import CallContext, CallFeature, News
from acs_core.client.publications import RemotePublication
from acs_core.events import ReceivePolicyEvent
from acs_core.wire import ReceivePolicy

__all__ = ["ReceivePolicyFeature"]


class ReceivePolicyFeature(CallFeature):
    """What is received (not an ACS feature)."""

    EVENTS: ClassVar[frozenset[str]] = frozenset(ReceivePolicyEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._policy = ReceivePolicy()

    @property
    def policy(self) -> ReceivePolicy:
        """What the service was told, or will be told when the call starts."""
        return self._policy

    @property
    def automatic(self) -> bool:
        """Whether everything is received that was not unsubscribed from."""
        return self._policy.automatic

    def start(self, policy: ReceivePolicy) -> None:
        """The policy with which the call is joined; the call says it."""
        self._policy = policy

    async def subscribe(self, publication: RemotePublication) -> None:
        """Receive a publication.

        Raises:
            InvalidStateError: The call is not connected.
            CallingError: The service could not be told; nothing changed.
        """
        key = publication.id
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
        key = publication.id
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

    def handle(self, news: News) -> None:
        """Nothing of the news concerns the policy."""

    async def _tell(self, policy: ReceivePolicy) -> None:
        if policy == self._policy:
            return
        session = self._context.joined_session()
        before, self._policy = self._policy, policy
        try:
            await self._context.enqueued(
                lambda: session.set_receive_policy(policy), "set receive policy"
            )
        except BaseException:
            if self._policy is policy:
                self._policy = before
            raise
        self._emit(ReceivePolicyEvent.POLICY_CHANGED)
