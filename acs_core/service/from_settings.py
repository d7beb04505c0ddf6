"""Pieces of the service that follow from its settings alone."""

from __future__ import annotations

import ssl

from acs_core.errors import InvalidArgumentError, Stage
from acs_core.service.identity import AcsTokenVerifier, IdentityRegistry, TokenVerifier
from acs_core.service.identity_store import IdentityStore
from acs_core.service.rest.teams import DevTeamsTokens, TeamsTokenVerifier
from acs_core.service.settings import ServiceSettings
from acs_core.service.turn import TurnCredentials

__all__ = ["acs_identity", "dev_teams_tokens", "tls_context", "turn_credentials"]


def acs_identity(
    settings: ServiceSettings, users: IdentityStore
) -> tuple[tuple[TokenVerifier, ...], IdentityRegistry | None]:
    """Who believes ACS tokens and who issues them; nobody without an access key.

    Args:
        settings: Of the service.
        users: Where users are remembered.
    """
    key = settings.access_key_bytes
    if key is None:
        return (), None
    registry = IdentityRegistry(resource_id=settings.acs_resource_id, access_key=key, store=users)
    verifier = AcsTokenVerifier(
        resource_id=settings.acs_resource_id,
        access_key=key,
        registry=registry,
        skew=settings.token_skew,
    )
    return (verifier,), registry


def dev_teams_tokens(settings: ServiceSettings) -> TeamsTokenVerifier | None:
    """Who believes tokens of Teams users on a developer's machine; None elsewhere."""
    key = settings.access_key_bytes
    return None if key is None or not settings.dev else DevTeamsTokens(key)


def turn_credentials(settings: ServiceSettings) -> TurnCredentials | None:
    """Who issues credentials of the TURN server; None where there is none."""
    if settings.turn_secret is None:
        return None
    return TurnCredentials(settings.turn_urls, settings.turn_secret.get_secret_value())


def tls_context(settings: ServiceSettings) -> ssl.SSLContext | None:
    """With what the service speaks https; None for http.

    Raises:
        InvalidArgumentError: The files are no certificate and its key, or the key has a password.
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask the terminal for one, and wait.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password="")
    except OSError as error:
        raise InvalidArgumentError(
            f"{settings.tls_cert} and {settings.tls_key} cannot be used: {error}.",
            stage=Stage.ARGUMENT,
            next_step="Give a certificate chain and its key in PEM, without a password.",
        ) from error
    return context
