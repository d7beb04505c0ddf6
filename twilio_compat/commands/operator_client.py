"""How commands ask a running service for what only operators may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias, TypeVar

import aiohttp
import msgspec

from acs_core.errors import (
    AuthenticationError,
    InvalidArgumentError,
    ProtocolError,
    ServiceError,
    Stage,
    TransportError,
)
from twilio_compat.commands.client_support import Access
from twilio_compat.settings import ServerSettings

__all__ = ["Moment", "ask", "authorization"]

DEADLINE: Final = 20.0

AnswerT = TypeVar("AnswerT")
Moment: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1e11)]
"""Unix seconds that a date can be made of."""


async def ask(
    access: Access,
    method: str,
    path: str,
    kind: type[AnswerT],
    *,
    query: Mapping[str, str] | None = None,
    deadline: float = DEADLINE,
) -> AnswerT:
    """What the service answers to an operator.

    Args:
        access: Where the service is, and the credentials.
        method: GET or POST.
        path: Below the service's URL.
        kind: What the answer must be, as msgspec reads it.
        query: Of the URL.
        deadline: Seconds.

    Raises:
        InvalidArgumentError: There are no credentials.
        AuthenticationError: The service does not know them.
        ServiceError: It refuses; its own words.
        TransportError: It cannot be reached.
        ProtocolError: It answers something else: it is no service of ours.
    """
    url = f"{access.url}{path}"
    headers = {"Authorization": authorization(access.settings)}
    timeout = aiohttp.ClientTimeout(total=deadline)
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout) as http,
            http.request(method, url, params=query) as answer,
        ):
            if answer.status != 200:
                raise await _refusal(answer, url)
            body = await answer.read()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise TransportError(
            f"{access.url} cannot be reached: {str(error) or type(error).__name__}.",
            stage=Stage.SIGNALING,
            next_step="Check --url or CALLING_SERVICE_URL; `twilio-compat doctor` looks closer.",
        ) from error
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise ProtocolError(
            f"{url} answers what this version does not understand: {error}.",
            next_step="Check --url or CALLING_SERVICE_URL: another server may be there.",
        ) from error


def authorization(settings: ServerSettings) -> str:
    """The `Authorization` header of the configured account, or else of the first API key.

    Raises:
        InvalidArgumentError: There are no credentials.
    """
    account, token = settings.twilio_account_sid, settings.twilio_auth_token
    if account is not None and token is not None:
        return aiohttp.encode_basic_auth(account, token.get_secret_value())
    for sid, key in settings.api_keys.items():
        return aiohttp.encode_basic_auth(sid, key.secret)
    raise InvalidArgumentError(
        "No Twilio credentials are configured.",
        stage=Stage.ARGUMENT,
        next_step="Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN; `twilio-compat serve --dev` "
        "prints some.",
    )


async def _refusal(answer: aiohttp.ClientResponse, url: str) -> ServiceError:
    if answer.status == 401:
        return AuthenticationError(
            "The service does not accept these credentials.",
            stage=Stage.TOKEN,
            next_step="Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN as the service has them.",
        )
    try:
        told = (await answer.json(content_type=None))["error"]
        message, next_step = str(told["message"]), str(told["next_step"])
    except (ValueError, KeyError, TypeError):
        message = f"{url} answers {answer.status}."
        next_step = "Check --url, and that the service has Twilio credentials."
    return ServiceError(message, code=answer.status, stage=Stage.SIGNALING, next_step=next_step)
