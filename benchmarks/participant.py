"""A participant of our service without media code: signaling, two bare legs, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Literal

from acs_core import wire
from acs_core.client.signaling import SignalingConnection
from acs_core.core.facts import PublicationKind
from acs_core.errors import CallingError, ProtocolError, Stage
from acs_core.media.negotiation import (
    PublishedStream,
    PublishNegotiation,
    ReceivedSection,
    SubscribeNegotiation,
)
from acs_core.rtc.feedback import RtcpPacket
from benchmarks.leg import Leg

__all__ = ["Participant"]

CODECS = {"audio": "opus", "video": "VP8"}


class Participant:
    """One endpoint in a group call; `join`, `leave`.

    Attributes:
        published: What may be sent on `publish_leg`.
        sections: What arrives on `subscribe_leg`.
        setup_seconds: From the join to media that can flow.
    """

    def __init__(
        self,
        url: str,
        token: str,
        on_rtcp: Callable[[list[RtcpPacket]], None] | None = None,
    ) -> None:
        """Prepare; `on_rtcp` gets what the service says about what is published."""
        self.id = secrets.token_hex(16)
        self.publish_leg: Leg | None = None
        self.subscribe_leg: Leg | None = None
        self.published: tuple[PublishedStream, ...] = ()
        self.sections: tuple[ReceivedSection, ...] = ()
        self.setup_seconds = 0.0
        self._on_rtcp = on_rtcp
        self._token = token
        self._signaling = SignalingConnection(url, self._give_token, self)
        self._offers: asyncio.Queue[wire.Offer] = asyncio.Queue()
        self._subscription = SubscribeNegotiation(session_id=secrets.randbits(62))
        self._answering: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def join(
        self,
        locator: wire.Locator,
        kinds: Sequence[Literal["audio", "video"]] = (),
        *,
        receives: bool = True,
    ) -> None:
        """Enter the call and publish one stream of each of `kinds`."""
        start = time.perf_counter()
        await self._signaling.open()
        negotiation = PublishNegotiation(
            session_id=secrets.randbits(62), cname=self.id, new_ssrc=lambda: secrets.randbits(31)
        )
        keys = {secrets.token_hex(16): kind for kind in kinds}
        for key, kind in keys.items():
            negotiation.add_stream(
                key, kind, stream_id=self.id, track_id=key, codecs=(CODECS[kind],)
            )
        leg = self.publish_leg = Leg(self._on_rtcp) if keys else None
        joined = await self._signaling.request(
            wire.Join(
                endpoint=self.id,
                locator=locator,
                offer=negotiation.create_offer(leg.local) if leg else None,
                publications=tuple(
                    wire.NewPublication(key=key, kind=PublicationKind(kind))
                    for key, kind in keys.items()
                ),
                receive=wire.ReceivePolicy(automatic=receives),
            )
        )
        if not isinstance(joined, wire.Joined):
            raise ProtocolError("the join was not answered", stage=Stage.SIGNALING)
        self._answering = asyncio.create_task(self._answer(), name="answers")
        if leg is not None and joined.answer is not None:
            answer = negotiation.accept_answer(joined.answer)
            if answer.transport is None:
                raise ProtocolError("nothing was accepted", stage=Stage.NEGOTIATION)
            self.published = answer.streams
            await leg.connect(answer.transport, is_offerer=True)
        self.setup_seconds = time.perf_counter() - start

    async def receiving(self, count: int, *, timeout: float = 20.0) -> None:
        """Return when `count` streams were accepted and the connection for them is up."""
        async with asyncio.timeout(timeout):
            while len([item for item in self.sections if item.is_active]) < count:
                self._changed.clear()
                await self._changed.wait()

    async def leave(self) -> None:
        """Leave the call and close everything."""
        with contextlib.suppress(CallingError):
            await self._signaling.request(wire.Leave(endpoint=self.id))
        if self._answering is not None:
            self._answering.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._answering
        for leg in (self.publish_leg, self.subscribe_leg):
            if leg is not None:
                await leg.close()
        await self._signaling.close()

    def on_delivery(self, body: wire.DeliveryBody) -> None:
        """Offers are answered by a task, in order; other news do not matter here."""
        if isinstance(body, wire.Offer):
            self._offers.put_nowait(body)

    def on_opened(self) -> None:
        """Whoever opens the connection knows it."""

    def on_lost(self, error: CallingError) -> None:
        """Not expected; the connection comes back by itself."""

    def on_resumed(self) -> None:
        """Nothing was missed."""

    def on_closed(self, error: CallingError) -> None:
        """Requests that are still open fail."""

    async def _give_token(self) -> str:
        return self._token

    async def _answer(self) -> None:
        while True:
            offer = await self._offers.get()
            leg = self.subscribe_leg
            is_first = leg is None
            if leg is None:
                leg = self.subscribe_leg = Leg()
            answer = self._subscription.accept_offer(offer.sdp, leg.local)
            await self._signaling.request(
                wire.Answer(
                    endpoint=self.id,
                    connection=offer.connection,
                    revision=offer.revision,
                    sdp=answer.answer,
                )
            )
            if is_first:
                await leg.connect(answer.transport, is_offerer=False)
            self.sections = answer.sections
            self._changed.set()
