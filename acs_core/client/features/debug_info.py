"""`Features.DEBUG_INFO` of a call client: what somebody who helps would ask for.

Source: `DebugInfoCallClientFeature` of @azure/communication-calling 2.0.0; `dumpDebugInfo`,
`lastCallId` and `lastLocalParticipantId` are of its beta 1.36.1. A program has no browser tabs, so
whether another one is active is not told.
"""

from __future__ import annotations

import json
import uuid
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from acs_core.client.environment import EnvironmentInfo, get_environment_info
from acs_core.client.features.client_base import CallClientContext, CallClientFeature
from acs_core.client.log_tail import LogTail
from acs_core.events import CallAgentEvent, CollectionUpdate
from acs_core.version import __version__

if TYPE_CHECKING:
    from acs_core.client.agent_common import CallAgentCommon
    from acs_core.client.call import CallCommon

__all__ = ["DebugInfoCallClientFeature", "DebugInfoDump"]

REMEMBERED_CALLS: Final = 50


@dataclass(frozen=True, slots=True)
class DebugInfoDump:
    """What is known of a client at one moment.

    Attributes:
        dump_id: Names the dump; 32 hex digits.
        dump: JSON text: versions, calls, devices and the last lines of the log, without secrets.
    """

    dump_id: str
    dump: str


class DebugInfoCallClientFeature(CallClientFeature):
    """Debugging information of a call client."""

    NAME: ClassVar[str] = "DebugInfo"

    def __init__(self, context: CallClientContext) -> None:
        super().__init__(context)
        self._log = LogTail(context.tasks.logger)
        self._agent: CallAgentCommon[Any] | None = None
        self._ended: deque[dict[str, object]] = deque(maxlen=REMEMBERED_CALLS)
        self._last_call_id: str | None = None

    @property
    def last_call_id(self) -> str | None:
        """Id of the call that began last; None before the first one."""
        return self._last_call_id

    @property
    def last_local_participant_id(self) -> str | None:
        """Our endpoint in the call that began last; None before the first one."""
        return self._last_call_id  # One id is both, see `CallInfo.participant_id`.

    async def get_environment_info(self) -> EnvironmentInfo:
        """Where the client runs, and whether it may be expected to work there."""
        return get_environment_info()

    def dump_debug_info(self) -> DebugInfoDump:
        """Write down what is known of the client now."""
        dump_id = uuid.uuid4().hex
        content = {
            "id": dump_id,
            "time": datetime.now(UTC).isoformat(),
            "version": __version__,
            "environment": asdict(get_environment_info()),
            "calls": [*self._ended, *map(_describe, self._live)],
            "devices": self._devices(),
            "log": self._log.lines,
        }
        return DebugInfoDump(dump_id, json.dumps(content, indent=1))

    def agent_created(self, agent: CallAgentCommon[Any]) -> None:
        """Follow the calls of a new agent; the client says so."""
        self._agent = agent
        agent.on(CallAgentEvent.CALLS_UPDATED, self._calls_updated)

    def close(self) -> None:
        """Listen to the log no longer; the client says so."""
        self._log.detach()

    def _calls_updated(self, update: CollectionUpdate[CallCommon]) -> None:
        for call in update.added:
            self._last_call_id = call.id
        # Not the calls themselves, which hold much more than is told here.
        self._ended.extend(map(_describe, update.removed))

    @property
    def _live(self) -> tuple[CallCommon, ...]:
        return () if self._agent is None else self._agent.calls

    def _devices(self) -> dict[str, object]:
        devices = self._context.devices
        microphone, speaker = devices.selected_microphone, devices.selected_speaker
        return {
            "microphone": None if microphone is None else microphone.name,
            "speaker": None if speaker is None else speaker.name,
            **devices.flags(),
        }


def _describe(call: CallCommon) -> dict[str, object]:
    reason = call.call_end_reason
    return {
        "id": call.id,
        "state": call.state,
        "direction": call.direction,
        "participants": len(call.remote_participants),
        "end": None if reason is None else [reason.code, reason.sub_code, reason.message],
    }
