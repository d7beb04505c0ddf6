"""How answers of the REST API are written: dates, addresses and pages of lists.

Source: Twilio's list envelope and its dates, `YYYY-MM-DDTHH:MM:SSZ`, as its helper library reads
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar

from aiohttp import web
from yarl import URL

from twilio_compat.rest.refusals import wrong_parameter

__all__ = ["address", "date_filter", "iso_date", "page"]

USUAL_PAGE: Final = 50
LARGEST_PAGE: Final = 1000

_Item = TypeVar("_Item")


def iso_date(seconds: float | None) -> str | None:
    """A date in the only spelling that the helper library parses.

    Args:
        seconds: Unix seconds.
    """
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def address(request: web.Request, path: str) -> str:
    """The absolute URL of a resource, by the name under which the client knows this server.

    Args:
        request: Says which name that is.
        path: From the root, as `/v1/Rooms/RM...`.
    """
    return str(request.url.origin().with_path(path))


def page(
    request: web.Request, key: str, items: Iterable[_Item], write: Callable[[_Item], dict[str, Any]]
) -> web.Response:
    """One page of a list, as `Page` and `PageSize` of the query ask.

    Args:
        request: The query.
        key: What the list is called.
        items: All of them, in order.
        write: Makes the JSON of one.

    Raises:
        InvalidArgumentError: A number is not one.
    """
    size = min(_number(request, "PageSize", USUAL_PAGE, least=1), LARGEST_PAGE)
    number = _number(request, "Page", 0, least=0)
    chosen = list(islice(items, number * size, number * size + size + 1))

    def url(other: int) -> str:
        query = {name: value for name, value in request.query.items() if name != "PageToken"}
        here = URL(address(request, request.path))
        return str(here.with_query(query | {"PageSize": str(size), "Page": str(other)}))

    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(number - 1) if number else None,
        "url": url(number),
        "next_page_url": url(number + 1) if len(chosen) > size else None,
        "key": key,
    }
    return web.json_response({key: [write(item) for item in chosen[:size]], "meta": meta})


def date_filter(request: web.Request) -> Callable[[float], bool]:
    """Whether a time, in Unix seconds, passes `DateCreatedAfter` and `DateCreatedBefore`.

    Raises:
        InvalidArgumentError: A date cannot be read.
    """
    after, before = (_date(request, f"DateCreated{side}") for side in ("After", "Before"))
    return lambda seconds: (
        (after is None or seconds >= after) and (before is None or seconds <= before)
    )


def _date(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise wrong_parameter(f"{name} is no date: {text[:40]!r}.") from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _number(request: web.Request, name: str, usual: int, *, least: int) -> int:
    text = request.query.get(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise wrong_parameter(f"{name} is no number: {text[:40]!r}.")
    return int(text)
