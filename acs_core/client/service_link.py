"""The connection of a call agent to the service, shared by its calls.

It opens the signaling connection, makes sessions on it, and gives each what the service says about
its endpoint. When the connection is lost for good (the service was restarted, or away for longer
than it keeps sessions) the calls on it are over, but not the agent: another connection is opened in
the background, until `close`, so that whoever calls is heard.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from typing import Final
from weakref import WeakValueDictionary

from acs_core import wire
from acs_core.client.ports import LinkObserver, SessionObserver
from acs_core.client.session import CallSession, SessionOptions
from acs_core.client.signaling import SignalingConnection, SignalingTimes
from acs_core.core.reconnect import Backoff
from acs_core.errors import CallingError, InvalidStateError
from acs_core.models import IceTransportPolicy, NetworkConfiguration

__all__ = ["SignalingLink"]

_log = logging.getLogger(__name__)

LONGEST_WAIT: Final = 30.0
"""Seconds between two attempts to reach a service that is away for long."""


class SignalingLink:
    """The signaling connection of an agent and the sessions on it."""

    def __init__(
        self,
        url: str,
        token: Callable[[], Awaitable[str]],
        observer: LinkObserver,
        network: NetworkConfiguration | None = None,
        times: SignalingTimes | None = None,
    ) -> None:
        """Prepare a connection.

        Args:
            url: Of the service.
            token: Gives a valid access token; asked at each attempt to connect.
            observer: Told whether the service is reached, and who calls.
            network: Proxy for signaling, servers for media; None for the usual ways.
            times: Deadlines; None for the usual ones.
        """
        self._url = url
        self._token = token
        self._times = times
        network = network or NetworkConfiguration()
        self._proxy = None if network.proxy is None else network.proxy.url
        servers = () if network.turn is None else network.turn.ice_servers
        self._options = SessionOptions(
            ice_servers=tuple(
                wire.IceServer(urls=item.urls, username=item.username, credential=item.credential)
                for item in servers
            ),
            is_relay_only=network.ice_transport_policy is IceTransportPolicy.RELAY,
            is_dscp_enabled=network.is_dscp_enabled,
        )
        self._connection = self._new_connection()
        self._is_closed = False
        self._returning: asyncio.Task[None] | None = None
        self._observer = observer
        # A session lives as long as its call holds it.
        self._sessions: WeakValueDictionary[str, CallSession] = WeakValueDictionary()

    async def open(self) -> None:
        """Connect and authenticate; errors as `SignalingConnection.open`."""
        await self._connection.open()

    def session(
        self,
        observer: SessionObserver,
        *,
        endpoint_id: str,
        locator: wire.Locator,
        name: str,
        receive: wire.ReceivePolicy,
    ) -> CallSession:
        """A new session, not joined yet; on a new connection if the last one was lost for good."""
        session = CallSession(
            self._current(),
            observer,
            endpoint_id=endpoint_id,
            locator=locator,
            name=name,
            receive=receive,
            options=self._options,
        )
        self._sessions[endpoint_id] = session
        return session

    def _new_connection(self) -> SignalingConnection:
        return SignalingConnection(
            self._url, self._token, self, times=self._times, proxy=self._proxy
        )

    async def ask(self, body: wire.RequestBody) -> wire.DeliveryBody:
        """Ask the service for something; errors as `SignalingConnection.request`."""
        return await self._connection.request(body)

    async def close(self) -> None:
        """Close the connection, in at most 2 s."""
        self._is_closed = True
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.wait({self._returning})
        await self._connection.close()

    def on_opened(self) -> None:
        """Tell that the service is reached, also by the connection that follows a lost one."""
        self._observer.on_connected(True)

    def on_delivery(self, body: wire.DeliveryBody) -> None:
        """Give a message to the session that it is about, or to the owner."""
        match body:
            case wire.Invited():
                self._observer.on_invited(body)
            case wire.InvitationEnded():
                self._observer.on_invitation_ended(body)
            case (
                wire.Joined() | wire.Published() | wire.Answered() | wire.Failed() | wire.InLobby()
            ):
                pass
            case _:
                session = self._sessions.get(body.endpoint)
                if session is not None:
                    session.delivered(body)

    def on_lost(self, error: CallingError) -> None:
        """Tell everybody that the connection is lost and being restored."""
        self._observer.on_connected(False, error)
        for session in list(self._sessions.values()):
            session.signaling_lost(error)

    def on_resumed(self) -> None:
        """Tell everybody that the connection is back."""
        self._observer.on_connected(True)
        for session in list(self._sessions.values()):
            session.signaling_resumed()

    def on_closed(self, error: CallingError) -> None:
        """Tell everybody that the connection will not come back, and open another one."""
        self._observer.on_connected(False, error)
        for session in list(self._sessions.values()):
            session.signaling_closed(error)
        self._observer.on_closed(error)
        if not self._is_closed and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(self._return(), name="agent reconnection")

    def _current(self) -> SignalingConnection:
        """The connection, or the next one when it was lost for good."""
        if self._connection.is_closed and not self._is_closed:
            self._connection = self._new_connection()
        return self._connection

    async def _return(self) -> None:
        """Open another connection, however long that takes; a call may be quicker."""
        backoff = Backoff(window=math.inf, maximum=LONGEST_WAIT)
        while True:
            await asyncio.sleep(backoff.next_delay(random.random()))
            try:
                await self._current().ready()
            except InvalidStateError as error:
                # A credential that was disposed, for instance; waiting does not help.
                _log.warning("the call agent does not connect again: %s", error)
                return
            except CallingError as error:
                _log.debug("the call agent is not connected yet: %s", error)
                self._observer.on_connected(False, error)
            except Exception:
                _log.exception("connecting the call agent again failed")
            else:
                return
