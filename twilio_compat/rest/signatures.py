"""Signed status callbacks: requests that `twilio.request_validator` believes.

Source: Twilio, "Webhooks security": base64 of HMAC-SHA1 with the account's auth token over the URL
and, for POST, the form's names and values, sorted by name. User and password of a URL are not part
of what is signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from yarl import URL

from acs_core.service.webhooks import WebhookRequest
from acs_core.service.webhooks.guard import target_of

__all__ = ["fields_of", "renamed", "sign", "signed_request"]

_IDENTITY: Final = "ParticipantIdentity"


def sign(auth_token: str, url: str, fields: Mapping[str, str]) -> str:
    """The value of `X-Twilio-Signature`.

    Args:
        auth_token: The account's.
        url: As it is requested, query included.
        fields: The form of a POST; empty for a GET.
    """
    signed = url + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def signed_request(
    auth_token: str, url: str, method: str, fields: Mapping[str, str], *, group: str
) -> WebhookRequest:
    """A status callback.

    Args:
        auth_token: The account's; empty: the request is not signed.
        url: Where to, as it was given.
        method: GET appends the fields to the query, POST has them as a form.
        fields: `StatusCallbackEvent` among them.
        group: See `WebhookRequest`.

    Raises:
        InvalidArgumentError: The URL cannot be used.
    """
    # Names are what people chose: half a surrogate pair is no Unicode, and cannot be sent.
    clean = {name: value.encode("utf-8", "replace").decode() for name, value in fields.items()}
    target = target_of(url)
    visible = str(target.with_user(None))
    form = urlencode(clean)
    request = WebhookRequest(url=str(target), event=fields["StatusCallbackEvent"], group=group)
    # Twilio's own name for the id that is the same at each attempt.
    headers = {"I-Twilio-Idempotency-Token": request.id}
    if method == "GET":
        separator = "&" if target.query_string else "?"
        visible = f"{visible}{separator}{form}"
        sent, body, signature = f"{target}{separator}{form}", "", sign(auth_token, visible, {})
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        sent, body, signature = str(target), form, sign(auth_token, visible, clean)
    if auth_token:
        headers["X-Twilio-Signature"] = signature
    return WebhookRequest(
        url=sent,
        event=request.event,
        group=group,
        method=method,
        headers=headers,
        body=body,
        id=request.id,
    )


def renamed(auth_token: str, request: WebhookRequest, identity: str) -> WebhookRequest:
    """A status callback that calls its participant otherwise, signed anew under the same id.

    Args:
        auth_token: The account's; empty: it is not signed.
        request: Made by `signed_request`; one that is about no participant stays as it is.
        identity: In place of the participant's.
    """
    is_post = request.method == "POST"
    # The last one: a URL may have a parameter of this name before those of the callback.
    before, name, after = (request.body if is_post else request.url).rpartition(f"{_IDENTITY}=")
    if not name:
        return request
    _, mark, rest = after.partition("&")
    text = f"{before}{name}{quote_plus(identity)}{mark}{rest}"
    changed = replace(request, body=text) if is_post else replace(request, url=text)
    if not auth_token:
        return changed
    visible = str(URL(changed.url, encoded=True).with_user(None))
    fields = dict(parse_qsl(changed.body, keep_blank_values=True))
    signature = {"X-Twilio-Signature": sign(auth_token, visible, fields)}
    return replace(changed, headers={**request.headers, **signature})


def fields_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The fields of a status callback that was made before.

    Args:
        row: A delivery, by column.
    """
    text = row["body"] if row["method"] == "POST" else urlsplit(row["url"]).query
    return dict(parse_qsl(text, keep_blank_values=True))
