"""How answers of the REST API are written: dates, addresses and pages of lists.

Source: Twilio's list envelope and its dates, `YYYY-MM-DDTHH:MM:SSZ`, as its helper library reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, TypeVar

from aiohttp import web
from yarl import URL

from acs_core.service.store.calls import Window
from twilio_compat.rest.refusals import wrong_parameter

__all__ = [
    "address",
    "date_bounds",
    "iso_date",
    "page",
    "stored_page",
    "window",
]

USUAL_PAGE: Final = 50
LARGEST_PAGE: Final = 1000
_PAGING: Final = frozenset({"PageSize", "Page", "PageToken"})

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

    Raises:
        InvalidArgumentError: The client knows it by no name: its Host header is none.
    """
    try:
        return str(request.url.origin().with_path(path))
    except ValueError:
        raise wrong_parameter("The Host header is no address.") from None


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
    size, number = _size_and_number(request)
    chosen = list(islice(items, number * size, number * size + size + 1))
    return _answer(request, key, chosen, write, None)


def window(request: web.Request) -> Window:
    """Which rows `stored_page` wants, as `Page`, `PageSize` and `PageToken` of the query ask.

    Raises:
        InvalidArgumentError: A number or the token is not one.
    """
    size, number = _size_and_number(request)
    token = request.query.get("PageToken")
    # One more than fits tells whether there is a next page.
    if not token:
        return Window(limit=size + 1, offset=number * size)
    parts = re.fullmatch(r"([0-9]{1,12}\.[0-9]{1,12})_(.{1,200})", token)
    if parts is None:
        raise wrong_parameter(f"PageToken is none of ours: {token[:40]!r}.")
    return Window(limit=size + 1, after=(float(parts[1]), parts[2]))


def stored_page(
    request: web.Request,
    key: str,
    found: Sequence[_Item],
    write: Callable[[_Item], dict[str, Any]],
    position: Callable[[_Item], tuple[float, str]],
) -> web.Response:
    """One page of a list that the database holds.

    The next page begins after the last item of this one, wherever that is by then: who ends the
    rooms of one page before asking for the next misses none.

    Args:
        request: The query.
        key: What the list is called.
        found: The rows of `window`, as items.
        write: Makes the JSON of one.
        position: Time and id by which the items are ordered.
    """
    return _answer(request, key, found, write, position)


def _answer(
    request: web.Request,
    key: str,
    chosen: Sequence[_Item],
    write: Callable[[_Item], dict[str, Any]],
    position: Callable[[_Item], tuple[float, str]] | None,
) -> web.Response:
    """The envelope of a list.

    Args:
        request: The query.
        key: What the list is called.
        chosen: The items of the page, and one more where there is a next page.
        write: Makes the JSON of one.
        position: Where the next page begins; None where its number says that.
    """
    size, number = _size_and_number(request)

    def url(other: int, token: str | None = None) -> str:
        # Of some filters, such as `GroupingSid`, there may be several.
        filters = [item for item in request.query.items() if item[0] not in _PAGING]
        place = [("PageSize", str(size)), ("Page", str(other))]
        if token is not None:
            place.append(("PageToken", token))
        return str(URL(address(request, request.path)).with_query([*filters, *place]))

    following = None
    if len(chosen) > size:
        token = None
        if position is not None:
            seconds, id_ = position(chosen[size - 1])
            token = f"{seconds!r}_{id_}"
        following = url(number + 1, token)
    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": url(number - 1) if number else None,
        "url": url(number, request.query.get("PageToken")),
        "next_page_url": following,
        "key": key,
    }
    return web.json_response({key: [write(item) for item in chosen[:size]], "meta": meta})


def date_bounds(request: web.Request) -> tuple[float | None, float | None]:
    """`DateCreatedAfter` and `DateCreatedBefore` in Unix seconds; None where one is not given.

    Raises:
        InvalidArgumentError: A date cannot be read.
    """
    return _date(request, "DateCreatedAfter"), _date(request, "DateCreatedBefore")


def _date(request: web.Request, name: str) -> float | None:
    text = request.query.get(name)
    if not text:
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise wrong_parameter(f"{name} is no date: {text[:40]!r}.") from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _size_and_number(request: web.Request) -> tuple[int, int]:
    """How many items a page has, and which page is wanted."""
    size = min(_number(request, "PageSize", USUAL_PAGE, least=1), LARGEST_PAGE)
    return size, _number(request, "Page", 0, least=0)


def _number(request: web.Request, name: str, usual: int, *, least: int) -> int:
    text = request.query.get(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
        raise wrong_parameter(f"{name} is no number: {text[:40]!r}.")
    return int(text)
