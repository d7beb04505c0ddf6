"""`Features.REAL_TIME_TEXT`: text that the others read while it is typed (T.140 style).

A message has one `sequence_id` from its first letter to its last: each `Partial` result holds all
of the message as it is now, `Final` its last state. Then the next message begins.

Source: `RealTimeTextFeature` of @azure/communication-calling 1.36, errors FEATURES.REAL_TIME_TEXT.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, Final

from acs_core import wire
from acs_core.client.arguments import check_type
from acs_core.client.features.base import CallContext, CallFeature, News, Noticed
from acs_core.core.real_time_text import check_text
from acs_core.errors import CallingError, InvalidArgumentError, ServiceError, Stage
from acs_core.events import RealTimeTextEvent
from acs_core.identifiers import parse_raw_id
from acs_core.models import EndpointDetails, ParticipantInfo

__all__ = ["RealTimeTextFeature", "RealTimeTextInfo", "RealTimeTextResultType"]

_SEND_FAILED: Final = 46553


class RealTimeTextResultType(StrEnum):
    """Whether a message may still change."""

    PARTIAL = "Partial"
    FINAL = "Final"


@dataclass(frozen=True, slots=True)
class RealTimeTextInfo:
    """A message as it is now.

    Attributes:
        sequence_id: Which message of its sender, counted from 1.
        text: All of it.
        received_timestamp: When its first part came.
        updated_timestamp: When this part came.
        is_local: It is ours.
    """

    sequence_id: int
    sender: ParticipantInfo
    text: str
    result_type: RealTimeTextResultType
    received_timestamp: datetime
    updated_timestamp: datetime
    is_local: bool


class RealTimeTextFeature(CallFeature):
    """What everybody types."""

    NAME: ClassVar[str] = "RealTimeText"
    EVENTS: ClassVar[frozenset[str]] = frozenset(RealTimeTextEvent)

    def __init__(self, context: CallContext) -> None:
        super().__init__(context)
        self._sequence = 1
        # Endpoint -> the message that it writes, and when that began.
        self._begun: dict[str, tuple[int, datetime]] = {}

    async def send_real_time_text(self, text: str, finalized: bool = False) -> None:
        """Show the others the message that is being written.

        Args:
            text: All of it, not only what was added; at most 2000 characters.
            finalized: It is complete; the next text begins another message.

        Raises:
            InvalidArgumentError: 400/46552: it is too long; 400: it is no text.
            InvalidStateError: The call is not connected.
            ServiceError: 500/46553: it could not be sent.
        """
        check_type(text, str, "A text")
        check_text(text)
        session = self._context.joined_session()
        sequence = self._sequence
        if finalized:
            self._sequence += 1  # Also for what is sent before this is answered.
        own = self._context.endpoint_id
        request = wire.SendRealTimeText(
            endpoint=own, sequence=sequence, text=text, is_final=finalized
        )
        try:
            await session.ask(request)
        except InvalidArgumentError:
            raise
        except CallingError as error:
            raise ServiceError(
                "The real-time text could not be sent.",
                code=500,
                sub_code=_SEND_FAILED,
                stage=Stage.DATA,
                next_step="Send it again; it holds the whole message.",
            ) from error
        self._tell(own, sequence, text, is_final=finalized, now=datetime.now(UTC))

    def handle(self, news: News) -> None:
        """Take news; called by the call."""
        match news:
            case Noticed(notice=wire.RealTimeText() as said):
                now = datetime.fromtimestamp(said.timestamp, UTC)
                self._tell(said.sender, said.sequence, said.text, is_final=said.is_final, now=now)
            case _:
                pass

    def _tell(
        self, endpoint: str, sequence: int, text: str, *, is_final: bool, now: datetime
    ) -> None:
        session = self._context.session
        info = None if session is None else session.roster.endpoints.get(endpoint)
        if info is None:
            return  # They, or we, left while it was on its way.
        before, begun = self._begun.get(endpoint, (sequence, now))
        begun = begun if before == sequence else now
        if is_final:
            self._begun.pop(endpoint, None)
        else:
            self._begun[endpoint] = sequence, begun
        self._emit(
            RealTimeTextEvent.REAL_TIME_TEXT_RECEIVED,
            RealTimeTextInfo(
                sequence_id=sequence,
                sender=ParticipantInfo(
                    parse_raw_id(info.identity),
                    info.name,
                    endpoint_details=(EndpointDetails(info.id),),
                ),
                text=text,
                result_type=(
                    RealTimeTextResultType.FINAL if is_final else RealTimeTextResultType.PARTIAL
                ),
                received_timestamp=begun,
                updated_timestamp=now,
                is_local=endpoint == self._context.endpoint_id,
            ),
        )
