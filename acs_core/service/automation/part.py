"""Call Automation as a part of the service."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from aiohttp import web

from acs_core.core.facts import Fact
from acs_core.service.automation.actions import Actions
from acs_core.service.automation.connections import Connections
from acs_core.service.automation.dialing import Dialing
from acs_core.service.automation.events import EventOutlet
from acs_core.service.automation.incoming import IncomingCalls
from acs_core.service.automation.playing import Playing, Voice
from acs_core.service.automation.recordings import CallRecordings
from acs_core.service.automation.rest import CallAutomationResource
from acs_core.service.automation.transcribing import Transcribing
from acs_core.service.calls import Calls
from acs_core.service.parts import ServicePart
from acs_core.service.rest import AzureFront
from acs_core.service.server_call import ServerCall
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.store.database import Database
from acs_core.service.transfers import Transfers

__all__ = ["CallAutomation"]


class CallAutomation(ServicePart):
    """Programs that run calls over REST.

    Attributes:
        outlet: Set its `post`, or programs are told nothing.
        incoming: `listen` there to calls that ring, or programs can answer none.
        recordings: Recordings of whole calls; who makes files of them observes them.
        playing: Set its `fetch`, or programs can play nothing.

    Args:
        calls: The live calls.
        transfers: Of the service.
        front: Lets requests in; None where the service has no access key.
        database: What survives the process; open when the part starts.
        resource_id: Of the service.
        engine: The media side, while the service runs.
        voices: Makes sound of files; None where there is nothing to do so.
        can_transcribe: Whether the service has a transcriber.
        clock: Unix seconds.
    """

    def __init__(
        self,
        calls: Calls,
        transfers: Transfers,
        front: AzureFront | None,
        *,
        database: Callable[[], Database],
        resource_id: str,
        engine: Callable[[], SfuEngine],
        voices: Callable[[], Voice] | None = None,
        can_transcribe: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.outlet = EventOutlet(clock)
        self.incoming = IncomingCalls(calls)
        self.recordings = CallRecordings(database, self.outlet, clock)
        self._connections = Connections(self.outlet)
        self.playing = Playing(self._connections, engine, voices)
        self._actions = Actions(calls, self._connections, transfers)
        self._front = front
        transcribing = Transcribing(self._connections, is_possible=can_transcribe)
        self._resource = CallAutomationResource(
            calls,
            connections=self._connections,
            dialing=Dialing(
                calls, self._connections, self.incoming, transcribing, resource_id=resource_id
            ),
            incoming=self.incoming,
            actions=self._actions,
            transcribing=transcribing,
            recordings=self.recordings,
            playing=self.playing,
            outlet=self.outlet,
        )

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The REST interface, where the service has an access key."""
        return () if self._front is None else self._front.serve(self._resource.routes())

    async def start(self) -> None:
        """Stop recordings that ran when the service was killed."""
        await self.recordings.restore()

    async def close(self) -> None:
        """Fall silent, and forget the connections; the calls have ended."""
        await self.playing.close()
        self._connections.close()

    def committed(self, call: ServerCall, fact: Fact) -> None:
        """Tell programs what they want to know."""
        if not call.is_probe:
            self._connections.committed(call, fact)
            self._actions.committed(call, fact)

    def call_ended(self, call: ServerCall) -> None:
        """Tell programs, and end the recording of the call."""
        if not call.is_probe:
            self.recordings.call_ended(call)
            self._actions.call_ended(call)
            self._connections.call_ended(call)
