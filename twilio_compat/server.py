"""The server with both personalities: `acs_core`'s service, which also believes Twilio's tokens.

`python -m twilio_compat serve` runs it; `embedded()` runs it inside a test or a program::

    async with embedded() as server:
        room = await connect(server.access_token("alice"), name="daily", service_url=server.url)
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.media.voice import FileVoice
from acs_core.service.app import CallingService
from acs_core.service.history import CallRecord
from acs_core.service.pstn import PstnGateway
from acs_core.service.rest.teams import TeamsTokenVerifier
from acs_core.service.sfu.transport import SfuTimes
from acs_core.service.transcription import Transcriber
from acs_core.service.webhooks.inspector import WebhookInspector
from twilio_compat.gateway.gateway import GatewaySettings, TwilioGateway
from twilio_compat.gateway.insights import VIDEO_EVENTS_PATH, InsightsEndpoint
from twilio_compat.rest import REST_PATHS, RestApi
from twilio_compat.rest.composition_callbacks import composition_observer
from twilio_compat.rest.composition_hooks import HOOK_SCHEMAS, CompositionHooksResource
from twilio_compat.rest.compositions import COMPOSITION_SCHEMAS, CompositionsResource
from twilio_compat.rest.credentials import RestCredentials
from twilio_compat.rest.media_links import MEDIA_SCHEMAS
from twilio_compat.rest.media_settings import SETTINGS_SCHEMAS, MediaSettingsResource
from twilio_compat.rest.rate_limits import RateLimits
from twilio_compat.rest.recording_callbacks import recording_observer
from twilio_compat.rest.recordings import RECORDING_SCHEMAS, RecordingsResource
from twilio_compat.rest.status_callbacks import StatusCallbacks
from twilio_compat.rest.transcriptions import TRANSCRIPTION_SCHEMAS, TranscriptionsResource
from twilio_compat.settings import ServerSettings
from twilio_compat.tokens import AccessToken
from twilio_compat.verifier import TwilioTokenVerifier

__all__ = ["CompatServer", "embedded"]

# Open to pages of all origins, as Twilio's are: each connection begins with an access token, which
# the page must have been given, and no cookie counts.
SIGNALING_PATH: Final = "/signaling"


class CompatServer(CallingService):
    """One server for Twilio-style and ACS-style clients.

    Args:
        settings: What it is told.
        routes: Further ones, such as those of the page to try it.
        transcriber: Says what is spoken in rooms that ask for it; None for nobody.
        telephones: A gateway to the telephone network, for the calls of ACS-style clients; None
            where telephones cannot be called.
        gateway: Instead of the wire gateway's deadlines and limits by the settings.
        sfu_times: Instead of the SFU's usual deadlines.
        teams_tokens: Believes tokens of Teams users, who get tokens of the service for them.
    """

    def __init__(
        self,
        settings: ServerSettings,
        *,
        routes: Sequence[web.AbstractRouteDef] = (),
        transcriber: Transcriber | None = None,
        telephones: PstnGateway | None = None,
        gateway: GatewaySettings | None = None,
        sfu_times: SfuTimes | None = None,
        teams_tokens: TeamsTokenVerifier | None = None,
    ) -> None:
        self._keys = settings.api_keys
        self.gateway_settings = gateway or GatewaySettings(
            window=settings.times.twilio_window,
            sockets=settings.signaling_sockets,
            audio_processors=settings.audio_processors,
        )
        self._account_sid = settings.twilio_account_sid
        verifiers = _verifiers(settings)
        credentials = self._credentials(settings)
        self._insights = InsightsEndpoint(
            verifiers, check_operator=credentials.check, room_name=self._room_name
        )
        super().__init__(
            settings,
            verifiers=verifiers,
            routes=[
                web.get(SIGNALING_PATH, self._signaling),
                *self._insights.routes(),
                *routes,
            ],
            open_to_pages=(*REST_PATHS, SIGNALING_PATH, VIDEO_EVENTS_PATH),
            transcriber=transcriber,
            telephones=telephones,
            voices=FileVoice,
            sfu_times=sfu_times,
            teams_tokens=teams_tokens,
        )
        self._add_rest(settings, credentials)
        self._add_status_callbacks(settings)
        self.add_part(WebhookInspector(self.webhooks, credentials.check))
        self._twilio_verifier = next(iter(verifiers), None)
        self._twilio_gateway: TwilioGateway | None = None
        self._is_closing = False

    @property
    def sessions(self) -> int:
        """Signaling sessions of both personalities, lost ones in their window included."""
        pages = 0 if self._twilio_gateway is None else self._twilio_gateway.sessions
        return super().sessions + pages

    def _add_status_callbacks(self, settings: ServerSettings) -> None:
        token = settings.twilio_auth_token
        self.status_callbacks = StatusCallbacks(
            self.webhooks,
            account_sid=self._account_sid or "",
            auth_token="" if token is None else token.get_secret_value(),
            default_url=settings.room_status_callback,
            default_method=settings.room_status_callback_method,
            find=lambda call_id: self.history.find(call_id),
        )
        self.recordings.observe(recording_observer(self.status_callbacks))
        self.compositions.observe(composition_observer(self.status_callbacks))
        self.add_part(self.status_callbacks)

    def _credentials(self, settings: ServerSettings) -> RestCredentials:
        token = settings.twilio_auth_token
        password = None if token is None or self._account_sid is None else token.get_secret_value()
        return RestCredentials(self._account_sid or "", password, self._keys)

    def _add_rest(self, settings: ServerSettings, credentials: RestCredentials) -> None:
        account = self._account_sid
        if account is None:
            return
        rest = RestApi(
            self.calls,
            history=self.history,
            database=lambda: self.database,
            account_sid=account,
            credentials=credentials,
            renamed=self._renamed,
            limits=RateLimits(settings.rest_reads, settings.rest_writes),
            check_callback=self.webhooks.check,
        )
        transcriptions = TranscriptionsResource(rest.rooms, self.transcriptions, account)
        rest.add(transcriptions.operations(), TRANSCRIPTION_SCHEMAS)
        for name, kind in (("Recording", "recordings"), ("Composition", "compositions")):
            resource = MediaSettingsResource(
                f"{name}Settings", kind, lambda: self.database, account
            )
            rest.add(resource.operations(), SETTINGS_SCHEMAS)
        recordings = RecordingsResource(
            rest.rooms, self.recordings, self.media_files, self._find_call, account
        )
        rest.add(recordings.operations(), {**RECORDING_SCHEMAS, **MEDIA_SCHEMAS})
        compositions = CompositionsResource(
            self.compositions, self.media_files, self._find_call, account, self.webhooks.check
        )
        rest.add(compositions.operations(), COMPOSITION_SCHEMAS)
        hooks = CompositionHooksResource(self.compositions, account, self.webhooks.check)
        rest.add(hooks.operations(), HOOK_SCHEMAS)
        self.add_part(rest)

    async def _renamed(self, call_id: str, endpoint_id: str, identity: str) -> None:
        """Nobody is to be told the former identity any more."""
        self.recordings.rename(call_id, endpoint_id, identity)
        await self.status_callbacks.rename(call_id, endpoint_id, identity)
        if self.event_grid is not None:
            await self.event_grid.rename(call_id, endpoint_id, identity)

    async def _find_call(self, call_id: str) -> CallRecord | None:
        live = self.calls.live.get(call_id)
        return await self.history.find(call_id) if live is None else live.record

    async def close(self) -> None:
        """Drain, as the service does; participants of the wire gateway first."""
        self._is_closing = True
        if self._twilio_gateway is not None:
            await self._twilio_gateway.close()
        await self._insights.close()
        await super().close()

    def _room_name(self, sid: str) -> str:
        """The name of a live room; empty when there is none."""
        call = self.calls.live.get(sid.removeprefix("RM"))
        return "" if call is None or call.room is None else call.room.unique_name or ""

    async def _signaling(self, request: web.Request) -> web.StreamResponse:
        if self._twilio_verifier is None:
            raise web.HTTPNotFound(text="This server has no Twilio credentials.")
        if self._is_closing:
            raise web.HTTPServiceUnavailable(text="The service is stopping.")
        if self._twilio_gateway is None:
            self._twilio_gateway = TwilioGateway(
                calls=self.calls,
                engine=self.engine,
                verifier=self._twilio_verifier,
                ice_servers=self.ice_servers,
                settings=self.gateway_settings,
            )
        return await self._twilio_gateway.handle(request)

    def access_token(self, identity: str, *, room: str | None = None, ttl: int = 3600) -> str:
        """A Twilio access token of this server's first API key.

        Args:
            identity: Who the participant is.
            room: The only room that the token opens; None for all.
            ttl: Seconds.

        Raises:
            InvalidArgumentError: The server has no Twilio credentials.
        """
        if self._account_sid is None or not self._keys:
            raise InvalidArgumentError(
                "The server has no Twilio credentials.",
                stage=Stage.TOKEN,
                next_step="Set TWILIO_ACCOUNT_SID, TWILIO_API_KEY_SID and TWILIO_API_KEY_SECRET, "
                "or run with --dev.",
            )
        sid, key = next(iter(self._keys.items()))
        return AccessToken(self._account_sid, sid, key.secret, identity, room, ttl).to_jwt()


def _verifiers(settings: ServerSettings) -> Sequence[TwilioTokenVerifier]:
    """One, or none where the server has no Twilio account."""
    account = settings.twilio_account_sid
    if account is None:
        return ()
    return (
        TwilioTokenVerifier(
            settings.api_keys,
            account,
            resource_id=settings.acs_resource_id,
            skew=settings.token_skew,
        ),
    )


@contextlib.asynccontextmanager
async def embedded(
    *,
    transcriber: Transcriber | None = None,
    telephones: PstnGateway | None = None,
    gateway: GatewaySettings | None = None,
    sfu_times: SfuTimes | None = None,
    options: Mapping[str, Any] | None = None,
) -> AsyncIterator[CompatServer]:
    """A server in this process, on free ports, with made-up credentials.

    Args:
        transcriber: Says what is spoken in rooms that ask for it.
        telephones: A gateway to the telephone network.
        gateway: Instead of the wire gateway's usual deadlines and limits.
        sfu_times: Instead of the SFU's usual deadlines.
        options: Further settings, by name of `ServerSettings`.
    """
    settings = ServerSettings(**{"dev": True, "port": 0, "media_port": 0, **(options or {})})
    async with CompatServer(
        settings,
        transcriber=transcriber,
        telephones=telephones,
        gateway=gateway,
        sfu_times=sfu_times,
    ) as server:
        yield server
