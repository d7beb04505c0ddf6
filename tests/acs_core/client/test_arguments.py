"""Arguments of a wrong type: refused where they are handed in, with a typed error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from acs_core import Call, Features, InvalidArgumentError
from acs_core.client.arguments import check_type
from tests.support.calls import joined
from tests.support.people import quiet

METHODS: dict[str, Callable[[Call, Any], object]] = {
    "captions": lambda call, it: call.feature(Features.CAPTIONS).captions.start_captions(it),
    "data": lambda call, it: call.feature(Features.DATA_CHANNEL).create_data_channel_sender(it),
    "stats": lambda call, it: call.feature(Features.MEDIA_STATS).create_collector(it),
    "text": lambda call, it: call.feature(Features.REAL_TIME_TEXT).send_real_time_text(it),
    "forwarding": lambda call, it: call.feature(Features.RECEIVE_POLICY).forwarding(it),
    "hint": lambda call, it: call.feature(Features.RECEIVE_POLICY).hint(it),
    "prioritize": lambda call, it: call.feature(Features.RECEIVE_POLICY).prioritize(it, None),
    "subscribe": lambda call, it: call.feature(Features.RECEIVE_POLICY).subscribe(it),
    "unsubscribe": lambda call, it: call.feature(Features.RECEIVE_POLICY).unsubscribe(it),
    "publish": lambda call, it: call.feature(Features.STREAMS).publish(it),
    "unpublish": lambda call, it: call.feature(Features.STREAMS).unpublish(it),
}


async def outcome(method: Callable[[Call, Any], object], call: Call, value: object) -> None:
    result = method(call, value)
    if isinstance(result, Awaitable):
        await result


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("wrong", [7, object()])
async def test_what_has_a_wrong_type_is_refused(
    method: Callable[[Call, Any], object], wrong: object
) -> None:
    async with joined(quiet()) as (call, session):
        with pytest.raises(InvalidArgumentError, match=" is "):
            await outcome(method, call, wrong)
        assert session.asked == []


async def test_a_language_is_text() -> None:
    async with joined(quiet()) as (call, _):
        captions = call.feature(Features.CAPTIONS).captions
        await captions.start_captions()
        with pytest.raises(InvalidArgumentError) as caught:
            await captions.set_spoken_language(None)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.sub_code) == (400, 45202)


def test_the_message_names_what_was_expected_and_what_came() -> None:
    check_type("a", str, "A text")
    with pytest.raises(InvalidArgumentError, match="A text is str or bytes, not int"):
        check_type(7, (str, bytes), "A text")
