"""The service as a whole: `CallingService` composes it, `embedded` runs it in this process.

Other personalities are handed in, never imported: their token verifiers and their routes.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Self

from aiohttp import web

from acs_core import wire
from acs_core.core import endings
from acs_core.core.facts import Fact
from acs_core.errors import InvalidArgumentError, Stage, TransportError
from acs_core.service.allocation import Allocations, AllocationTimes
from acs_core.service.api_document import ApiDocument
from acs_core.service.archive import Archive
from acs_core.service.automation.part import CallAutomation
from acs_core.service.automation.playing import Voice
from acs_core.service.automation.setup import deliver_by
from acs_core.service.call_services import CallServices
from acs_core.service.calls import Calls, ServerCall
from acs_core.service.captions import Captions
from acs_core.service.from_settings import (
    acs_identity,
    dev_teams_tokens,
    turn_credentials,
)
from acs_core.service.gateway import NativeGateway
from acs_core.service.history import History
from acs_core.service.identity import IssuedToken, Principal, TokenVerifier
from acs_core.service.identity_store import MemoryIdentityStore
from acs_core.service.kept_media import KeptMedia
from acs_core.service.media_files import MEDIA_PATH
from acs_core.service.meetings import Meetings
from acs_core.service.metrics import Metrics
from acs_core.service.openapi import ApiFamily
from acs_core.service.parts import ServicePart
from acs_core.service.pstn import PstnGateway
from acs_core.service.quality import QualityMonitor
from acs_core.service.recording.watch import RecordingWatch
from acs_core.service.rest import AzureFront
from acs_core.service.rest.described import azure_family
from acs_core.service.rest.gate import Gate
from acs_core.service.rest.identity import IdentityResource
from acs_core.service.rest.rooms import RoomsResource
from acs_core.service.rest.teams import TeamsTokenVerifier
from acs_core.service.room_transcription import RoomTranscriptions
from acs_core.service.rooms import RoomOptions, Rooms, RoomTimes
from acs_core.service.rounds import Rounds
from acs_core.service.settings import ServiceSettings
from acs_core.service.sfu.engine import SfuEngine
from acs_core.service.sfu.plane import PlaneKind
from acs_core.service.sfu.transport import SfuTimes
from acs_core.service.store.database import Database
from acs_core.service.store.directory import DataDirectory
from acs_core.service.switchboard import Switchboard
from acs_core.service.transcription import Transcriber, Transcription, Transcripts
from acs_core.service.web_server import WebServer
from acs_core.service.webhooks.setup import webhook_parts
from acs_core.version import __version__

__all__ = ["CallingService", "embedded"]

_log = logging.getLogger(__name__)


class CallingService:
    """One service: HTTP and signaling on one TCP port, media on one UDP port.

    Use it as an async context manager, or `start` and `close` it. Telephones can be called where
    `telephones` is given, a gateway to their network; programs can play files into calls where
    `voices` is, which makes sound of them. Tokens of Teams users are exchanged for the service's
    where `teams_tokens` is given, which believes them.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        verifiers: Sequence[TokenVerifier] = (),
        routes: Sequence[web.AbstractRouteDef] = (),
        open_to_pages: Sequence[str] = (),
        sfu_times: SfuTimes | None = None,
        allocation_times: AllocationTimes | None = None,
        transcriber: Transcriber | None = None,
        telephones: PstnGateway | None = None,
        voices: Callable[[], Voice] | None = None,
        teams_tokens: TeamsTokenVerifier | None = None,
    ) -> None:
        self.settings = settings
        self.rooms = Rooms()
        self.meetings = Meetings()
        self.calls = self._make_calls(telephones)
        self.services = CallServices(
            self.calls,
            Captions(transcriber, lambda: self._transcribe(0.0)),
            transfer_timeout=settings.transfer_timeout,
        )
        users = MemoryIdentityStore()
        self._own_verifiers, self.identities = acs_identity(settings, users)
        self._verifiers = (*self._own_verifiers, *verifiers)
        self.azure = self._azure_front(settings)
        self._teams_tokens = teams_tokens or dev_teams_tokens(settings)
        self._turn = turn_credentials(settings)
        self._routes = routes
        self._web = WebServer(settings, (*open_to_pages, MEDIA_PATH))
        self._sfu_times = sfu_times
        self._allocation_times = allocation_times
        self._transcripts = (
            Transcripts(transcriber, is_wanted=self._is_heard, on_said=self._said)
            if transcriber is not None
            else None
        )
        self.directory = DataDirectory(settings.data_dir)
        self._parts: list[ServicePart] = []
        self._add_parts(users, transcriber, voices)
        self._database: Database | None = None
        self._engine: SfuEngine | None = None
        self._allocations: Allocations | None = None
        self._gateway: NativeGateway | None = None
        self._rounds = Rounds()
        self._is_ready = False

    def _make_calls(self, telephones: PstnGateway | None) -> Calls:
        settings = self.settings
        return Calls(
            rooms=self.rooms,
            meetings=self.meetings,
            limits=settings.limits,
            times=RoomTimes(settings.empty_room_timeout, settings.unused_room_timeout),
            on_started=self._call_started,
            on_ended=self._call_ended,
            switchboard=Switchboard(times=settings.ringing, gateway=telephones),
            on_fact=self._committed,
        )

    def _add_parts(
        self,
        users: MemoryIdentityStore,
        transcriber: Transcriber | None,
        voices: Callable[[], Voice] | None,
    ) -> None:
        settings = self.settings
        self.webhooks, self.event_grid = webhook_parts(settings, lambda: self.database)
        self.history = History(lambda: self.database)
        self._archive = Archive(
            self.calls, users, lambda: self.database, retention=settings.retention
        )
        self.transcriptions = RoomTranscriptions(
            transcriber, self.services.captions, lambda: self.database
        )
        self.document = ApiDocument(self._described)
        self.automation = CallAutomation(
            self.calls,
            self.services.transfers,
            self.azure,
            database=lambda: self.database,
            resource_id=settings.acs_resource_id,
            engine=lambda: self.engine,
            voices=voices,
            can_transcribe=transcriber is not None,
        )
        deliver_by(self.automation, self.webhooks, self.event_grid)
        kept = KeptMedia(
            settings,
            self.automation.recordings,
            self.directory,
            self.event_grid,
            engine=lambda: self.engine,
            database=lambda: self.database,
            url=lambda: self.url,
            is_over=self._archive.is_over,
        )
        self._archive.forget_media = kept.forget
        self.recordings, self.compositions = kept.recordings, kept.compositions
        self.media_files = kept.files
        # Webhooks before all others, which have something to tell.
        self._parts += [self.webhooks, self._archive, self.transcriptions, self.document]
        self._parts.append(self.automation)
        if self.event_grid is not None:
            self._parts.append(self.event_grid)
        self._parts += kept.parts

    # ------------------------------------------------------------ state

    @property
    def engine(self) -> SfuEngine:
        """The media side; only while the service runs."""
        if self._engine is None:
            raise TransportError("The service is not running.", stage=Stage.SIGNALING)
        return self._engine

    @property
    def database(self) -> Database:
        """What survives the process; only while the service runs."""
        if self._database is None:
            raise TransportError("The service is not running.", stage=Stage.SIGNALING)
        return self._database

    def add_part(self, part: ServicePart) -> None:
        """Let the service have one more part; before it starts."""
        self._parts.append(part)

    @property
    def port(self) -> int:
        """The TCP port; the UDP port is `media_port`."""
        return self._web.port

    @property
    def media_port(self) -> int:
        """The UDP port of all media."""
        return self.engine.port.number

    @property
    def url(self) -> str:
        """Where clients on this machine find the service."""
        return self._web.url

    # ------------------------------------------------------------ lifecycle

    async def start(self) -> Self:
        """Bind the ports and serve.

        Raises:
            TransportError: A port is in use or an address is not ours.
            ServiceError: 503, the data directory or the database cannot be used.
        """
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise
        self._is_ready = True
        return self

    async def _open(self) -> None:
        settings = self.settings
        self.directory.open()
        url = settings.database_url
        self._database = await Database.open(
            self.directory.database_url if url is None else url.get_secret_value()
        )
        self._engine = await SfuEngine.open(
            host=settings.host,
            port=settings.media_port,
            public_address=str(settings.public_address) if settings.public_address else None,
            plane=PlaneKind(settings.plane),
            times=self._sfu_times,
        )
        self._allocations = Allocations(self._engine, self._allocation_times)
        for part in self._parts:
            await part.start()
        await self._archive.resume()
        await self._serve()
        counts = self._engine.connection_stats
        measures = (
            QualityMonitor(self.calls, counts, self._engine.turns.add).measure,
            RecordingWatch(self.calls, counts).measure,
            self._transcribe,
        )
        self._rounds.start(measures)

    async def close(self) -> None:
        """Drain: refuse new clients, end calls and connections, within 5 s."""
        self._is_ready = False
        await self._rounds.close()
        self.calls.end_all(endings.SERVICE_STOPPED)
        if self._gateway is not None:
            await self._gateway.close()
        await self._web.close()
        # Whoever came or left meanwhile may have left a room behind that waits.
        self.calls.end_all(endings.SERVICE_STOPPED)
        self.services.close()
        if self._transcripts is not None:
            self._transcripts.refresh(())
        if self._allocations is not None:
            await self._allocations.close()
        for part in reversed(self._parts):
            try:
                await part.close()
            except Exception:
                _log.exception("%s did not close", type(part).__name__)
        if self._engine is not None:
            await self._engine.close()
        if self._database is not None:
            await self._database.close()
        self.directory.close()

    async def __aenter__(self) -> Self:
        """Start."""
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()

    def ice_servers(self, principal: Principal) -> tuple[wire.IceServer, ...]:
        """The TURN server with credentials for somebody; empty where none is configured."""
        if self._turn is None:
            return ()
        return (self._turn.issue(principal.raw_id, now=time.time()),)

    def issue_user_token(
        self, *, scopes: Sequence[str] = ("voip",), teams_user_id: str = ""
    ) -> tuple[str, IssuedToken]:
        """A user and a token for it: raw id and token.

        Args:
            scopes: What the token allows.
            teams_user_id: Object id of a Teams user; empty for a new ACS user.

        Raises:
            InvalidArgumentError: The service has no ACS access key; 422/44006, an unusable
                object id.
        """
        if self.identities is None:
            raise InvalidArgumentError(
                "The service has no ACS access key.",
                stage=Stage.TOKEN,
                next_step="Set ACS_ACCESS_KEY, or run with --dev.",
            )
        now = time.time()
        if teams_user_id:
            raw_id = self.identities.admit_teams_user(teams_user_id, now=now)
        else:
            raw_id = self.identities.create(now=now)
        return raw_id, self.identities.issue(raw_id, scopes, now=now)

    # ------------------------------------------------------------ HTTP

    def _azure_front(self, settings: ServiceSettings) -> AzureFront | None:
        """What the Azure interfaces are behind; None where there is no access key."""
        key = settings.access_key_bytes
        if key is None:
            return None
        gate = Gate(key, skew=settings.token_skew)
        return AzureFront(gate, durable=lambda: self.database.durable())

    def _described(self) -> Iterator[ApiFamily]:
        for part in self._parts:
            yield from part.described()
        if self.azure is not None:
            yield azure_family(self.azure.served)

    async def _serve(self) -> None:
        self._gateway = NativeGateway(
            calls=self.calls,
            services=self.services,
            engine=self.engine,
            verifiers=self._verifiers,
            times=self.settings.times,
            ice_servers=self.ice_servers,
            token_skew=self.settings.token_skew,
        )
        metrics = Metrics(
            self.calls, self.engine, lambda: self.sessions, lambda: self._rounds.lag, self.webhooks
        )

        async def metrics_text(_: web.Request) -> web.Response:
            return web.Response(body=metrics.text(), content_type="text/plain", charset="utf-8")

        routes: list[web.AbstractRouteDef] = [
            web.get("/calls/ws", self._gateway.handle),
            web.get("/healthz", self._health),
            web.get("/readyz", self._readiness),
            web.get("/metrics", metrics_text),
            *self._routes,
        ]
        for part in self._parts:
            routes += part.routes()
        if self.azure is not None and self.identities is not None:
            identities = IdentityResource(self.identities, self._teams_tokens)
            rooms = RoomsResource(self.calls)
            routes += self.azure.serve([*identities.routes(), *rooms.routes()])
        await self._web.start(routes)

    @property
    def sessions(self) -> int:
        """Signaling sessions, lost ones in their window included."""
        return self._gateway.session_count if self._gateway else 0

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "version": __version__})

    async def _readiness(self, _: web.Request) -> web.Response:
        status = {"ready": self._is_ready, "plane": self.engine.plane_name}
        return web.json_response(status, status=200 if self._is_ready else 503)

    # ------------------------------------------------------------ parts

    def _transcribe(self, _: float) -> None:
        if self._transcripts is not None:
            self._transcripts.refresh(self.calls.live.values())

    def _is_heard(self, call: ServerCall) -> bool:
        return call.roster.activity.is_transcribing or self.services.captions.is_wanted(call)

    def _said(self, call: ServerCall, said: Transcription) -> None:
        is_transcribed = call.roster.activity.is_transcribing
        if is_transcribed and self.transcriptions.is_wanted(call, said):
            call.transcribed(said)
        self.services.captions.said(call, said)

    def _call_started(self, call: ServerCall) -> None:
        options = RoomOptions() if call.room is None else call.room.options
        self.services.captions.call_started(call)
        if self.settings.recording_consent or options.requires_consent:
            call.activity.require_consent()
        self.engine.add_router(call.router)
        if self._allocations is not None:
            self._allocations.add(call)
        for part in self._parts:
            part.call_started(call)

    def _committed(self, call: ServerCall, fact: Fact) -> None:
        for part in self._parts:
            part.committed(call, fact)

    def _call_ended(self, call: ServerCall) -> None:
        for part in self._parts:
            part.call_ended(call)
        self.engine.remove_router(call.router)
        if self._allocations is not None:
            self._allocations.remove(call)


@contextlib.asynccontextmanager
async def embedded(
    settings: ServiceSettings | None = None,
    *,
    verifiers: Sequence[TokenVerifier] = (),
    sfu_times: SfuTimes | None = None,
    allocation_times: AllocationTimes | None = None,
    telephones: PstnGateway | None = None,
    voices: Callable[[], Voice] | None = None,
    teams_tokens: TeamsTokenVerifier | None = None,
) -> AsyncIterator[CallingService]:
    """A service in this process, on free ports, ready when the block begins.

    Args:
        settings: Instead of development settings with made-up credentials.
        verifiers: Tokens of other personalities to believe.
        sfu_times: Instead of the SFU's usual deadlines.
        allocation_times: Instead of the bandwidth engine's usual intervals.
        telephones: A gateway to the telephone network.
        voices: Makes sound of files that programs play into calls.
        teams_tokens: Believes tokens of Teams users.
    """
    chosen = settings or ServiceSettings(dev=True, port=0, media_port=0)
    async with CallingService(
        chosen,
        verifiers=verifiers,
        sfu_times=sfu_times,
        allocation_times=allocation_times,
        telephones=telephones,
        voices=voices,
        teams_tokens=teams_tokens,
    ) as service:
        yield service
