"""The peer connection of one client: descriptions with revisions, in both directions.

Theory of operation. Client and service share one counter per connection: the highest revision that
either has said. An offer gets the next one, its answer has the same. The service is the impolite
peer: while its own offer is outstanding, an offer of the client that is not newer is dropped; the
client rolls back, answers, and offers again at once. Until it has (or has lost interest), the
service offers nothing, or both would cross for ever. Everything else is handled in the order of
arrival. What may have been lost with a socket is said again in `resume`: an unanswered offer of
ours, or our answer to the offer that the client still has open.

Source: twilio-video.js 2.36 on the wire; the client is the polite peer of the W3C's perfect
negotiation example.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from acs_core.errors import CallingError, ProtocolError, Stage
from acs_core.service.sfu.changes import GlareError
from acs_core.service.sfu.transport import MediaTransport
from twilio_compat.gateway.messages import ConnectionDescription, ConnectionState

__all__ = ["PeerConnection"]

_log = logging.getLogger(__name__)

REPEAT_PATIENCE: Final = 2.0
"""Seconds for the client to repeat an offer that was dropped; it does so in the same turn."""
REMOTE_DESCRIPTION_FAILED: Final = 53403
"""Twilio: the service is unable to apply a description of the client."""

Entry = dict[str, Any]


class PeerConnection:
    """One peer connection of a client, over a media transport.

    Args:
        connection_id: What the client calls it.
        transport: What carries it.
        send: Says an entry of `peer_connections`; only called while `is_open`.
        is_ours: The client is yet to be asked for it; `resume` says the entry that asks.
    """

    def __init__(
        self,
        connection_id: str,
        transport: MediaTransport,
        send: Callable[[Entry], None],
        *,
        is_ours: bool = False,
    ) -> None:
        self.id = connection_id
        self.transport = transport
        self.is_open = False
        self._send = send
        self._creation: Entry | None = None
        if is_ours:
            self._creation = _entry(connection_id, type="create-offer", revision=1)
        self._revision = 1 if is_ours else 0
        self._is_begun = False
        self._offer: Entry | None = None
        self._answer: Entry | None = None
        self._is_answer_missed = False
        self._patience: asyncio.TimerHandle | None = None

    @property
    def revision(self) -> int:
        """The highest revision that either end has said."""
        return self._revision

    @property
    def is_begun(self) -> bool:
        """Whether the client has made its first offer; until then the service makes none."""
        return self._is_begun

    def take(self, state: ConnectionState) -> None:
        """Handle what the client says of the connection; candidates are not needed.

        Raises:
            ProtocolError: 53403, a description cannot be applied; the session is over.
        """
        description = state.description
        if description is None or self.transport.is_closed:
            return
        match description.type:
            case "offer":
                self._take_offer(description)
            case "answer":
                self._take_answer(description)
            case "close":
                _log.debug("the client closed connection %s", self.id)
            case _:
                _log.debug("a description of type %r means nothing here", description.type)

    def negotiate(self) -> None:
        """Offer what changed, if there is anything and it is our turn; the client begins."""
        is_our_turn = self.is_open and self._is_begun and self._patience is None
        if not is_our_turn or not self.transport.needs_offer:
            return
        sdp = self.transport.create_offer()
        self._revision += 1
        self._offer = _described(self.id, "offer", self._revision, sdp)
        self._send(self._offer)

    def first_answer(self) -> Entry:
        """The answer to the offer that came with `connect`; it travels in `connected`."""
        assert self._answer is not None
        self._is_answer_missed = False
        return self._answer

    def resume(self) -> list[Entry]:
        """The entries for `synced`: what the client has missed, or only that we have it."""
        if self._creation is not None and not self._is_begun:
            return [self._creation]
        missed = [self._answer if self._is_answer_missed else None, self._offer]
        self._is_answer_missed = False
        return [entry for entry in missed if entry is not None] or [{"id": self.id}]

    def close(self) -> None:
        """Stop waiting; the transport is closed by its owner."""
        self.is_open = False
        self._stop_waiting()

    # ------------------------------------------------------------ descriptions

    def _take_offer(self, description: ConnectionDescription) -> None:
        revision = description.revision
        if self._answer is not None and revision == _revision(self._answer):
            # Said again, in a `sync` for instance: the answer was lost.
            self._say_answer()
            return
        if revision <= self._revision:
            if self._offer is not None:
                self._drop(description)
            return
        if self._offer is not None:
            self.transport.supersede_offer()
            self._offer = None
        self._stop_waiting()
        answer = self._applied(lambda: self.transport.accept_offer(_sdp(description)))
        self._revision, self._is_begun = revision, True
        self._answer = _described(self.id, "answer", revision, answer)
        self._say_answer()
        self.negotiate()

    def _say_answer(self) -> None:
        if self.is_open and self._answer is not None:
            self._send(self._answer)
        else:
            self._is_answer_missed = True

    def _drop(self, description: ConnectionDescription) -> None:
        """Crossing offers: ours wins. The negotiation learns what the client will roll back."""
        try:
            self.transport.accept_offer(_sdp(description))
        except GlareError:
            _log.debug("offer %d of connection %s crossed ours", description.revision, self.id)
        except CallingError as error:
            raise _failed(error) from error

    def _take_answer(self, description: ConnectionDescription) -> None:
        if self._offer is None or description.revision != _revision(self._offer):
            _log.debug("answer %d of connection %s is not due", description.revision, self.id)
            return
        self._applied(lambda: self.transport.accept_answer(_sdp(description)))
        self._offer = self._answer = None
        self._is_answer_missed = False
        if self.transport.awaits_repeat:
            loop = asyncio.get_running_loop()
            self._stop_waiting()
            self._patience = loop.call_later(REPEAT_PATIENCE, self._lose_patience)
        self.negotiate()

    def _applied(self, apply: Callable[[], Any]) -> Any:
        try:
            return apply()
        except CallingError as error:
            raise _failed(error) from error

    def _lose_patience(self) -> None:
        self._patience = None
        self.negotiate()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _described(connection_id: str, kind: str, revision: int, sdp: str) -> Entry:
    return _entry(connection_id, type=kind, revision=revision, sdp=sdp)


def _entry(connection_id: str, **description: object) -> Entry:
    return {"id": connection_id, "description": description}


def _revision(entry: Entry) -> int:
    return int(entry["description"]["revision"])


def _sdp(description: ConnectionDescription) -> str:
    if description.sdp is None:
        raise ProtocolError(
            f"An {description.type} has no SDP.",
            sub_code=REMOTE_DESCRIPTION_FAILED,
            stage=Stage.NEGOTIATION,
        )
    return description.sdp


def _failed(error: CallingError) -> ProtocolError:
    return ProtocolError(
        f"A description of the client cannot be applied: {error.message}",
        sub_code=REMOTE_DESCRIPTION_FAILED,
        stage=Stage.NEGOTIATION,
        next_step="Look at the client's SDP; the service speaks BUNDLE, rtcp-mux and DTLS-SRTP.",
    )
