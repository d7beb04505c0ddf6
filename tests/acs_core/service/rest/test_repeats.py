from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from acs_core.errors import CallingError, InvalidArgumentError, ServiceError
from acs_core.service.rest.messages import AzureAnswer
from acs_core.service.rest.repeats import WINDOW, Repeatable, Repeats, repeatable

NOW = 1_800_000_000.0


class Work:
    """Counts how often it is done; answers when it may."""

    def __init__(self, *statuses: int) -> None:
        self.done = 0
        self.may_end = asyncio.Event()
        self.may_end.set()
        self._statuses = list(statuses)

    async def __call__(self) -> AzureAnswer:
        self.done += 1
        await self.may_end.wait()
        status = self._statuses.pop(0) if self._statuses else 201
        return AzureAnswer(status, {"number": self.done})


def asked(id_: str = "id", body: bytes = b"", first_sent: float = NOW) -> Repeatable:
    headers = CIMultiDict(
        {
            "repeatability-request-id": id_,
            "Repeatability-First-Sent": formatdate(first_sent, usegmt=True),
        }
    )
    found = repeatable("POST", "/rooms", headers, body)
    assert found is not None
    return found


async def test_the_first_answer_is_given_again() -> None:
    repeats, work = Repeats(), Work()
    assert not repeats.knows(asked())
    first = await repeats.answer(asked(), work, now=NOW)
    assert repeats.knows(asked())
    assert await repeats.answer(asked(), work, now=NOW + WINDOW) == first
    assert work.done == 1
    assert first.headers == {"Repeatability-Result": "accepted"}
    await repeats.answer(asked("other"), work, now=NOW)
    assert work.done == 2


async def test_who_repeats_too_soon_waits_for_the_first_answer() -> None:
    repeats, work = Repeats(), Work()
    work.may_end.clear()
    both = [asyncio.create_task(repeats.answer(asked(), work, now=NOW)) for _ in range(2)]
    await asyncio.sleep(0)
    work.may_end.set()
    first, second = await asyncio.gather(*both)
    assert first is second
    assert work.done == 1


@pytest.mark.parametrize("status", [503, 500, 429, 408])
async def test_who_was_told_to_try_again_is_tried_again(status: int) -> None:
    repeats, work = Repeats(), Work(status)
    assert (await repeats.answer(asked(), work, now=NOW)).status == status
    assert (await repeats.answer(asked(), work, now=NOW)).status == 201


async def test_who_waited_for_a_request_that_broke_is_told_so() -> None:
    repeats, work = Repeats(), Work()
    work.may_end.clear()
    first = asyncio.create_task(repeats.answer(asked(), work, now=NOW))
    await asyncio.sleep(0)
    second = asyncio.create_task(repeats.answer(asked(), work, now=NOW))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(ServiceError) as caught:
        await second
    assert caught.value.code == 503
    assert not repeats.knows(asked())


async def test_an_id_is_for_one_request() -> None:
    repeats, work = Repeats(), Work()
    await repeats.answer(asked(), work, now=NOW)
    assert not repeats.knows(asked(body=b"other"))
    with pytest.raises(InvalidArgumentError):
        await repeats.answer(asked(body=b"other"), work, now=NOW)
    assert work.done == 1


async def test_a_request_from_before_all_memory_is_not_carried_out() -> None:
    repeats, work = Repeats(), Work()
    with pytest.raises(CallingError) as caught:
        await repeats.answer(asked(first_sent=NOW - WINDOW - 1), work, now=NOW)
    assert caught.value.code == 412
    assert work.done == 0


async def test_answers_are_forgotten() -> None:
    repeats, work = Repeats(), Work()
    await repeats.answer(asked(), work, now=NOW)
    other = asked("other", first_sent=NOW + WINDOW)
    await repeats.answer(other, work, now=NOW + WINDOW + 1)
    assert not repeats.knows(asked())


async def test_memory_is_bounded() -> None:
    repeats, work = Repeats(size=2), Work()
    for id_ in "abc":
        await repeats.answer(asked(id_), work, now=NOW)
    assert [repeats.knows(asked(id_)) for id_ in "abc"] == [False, True, True]


@pytest.mark.parametrize(
    "headers",
    [
        {"Repeatability-Request-ID": "1"},
        {"Repeatability-First-Sent": "Sat, 21 Nov 2026 01:06:03 GMT"},
        {"Repeatability-Request-ID": "", "Repeatability-First-Sent": "now"},
        {"Repeatability-Request-ID": "1", "Repeatability-First-Sent": "now"},
        {
            "Repeatability-Request-ID": "1" * 200,
            "Repeatability-First-Sent": "Sat, 21 Nov 2026 01:06:03 GMT",
        },
    ],
)
def test_half_a_wish_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidArgumentError, match="Repeatability"):
        repeatable("POST", "/", headers, b"")
    assert repeatable("POST", "/", {}, b"") is None
