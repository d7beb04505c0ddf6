"""Events of Call Automation have the envelope of CloudEvents."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from azure.core.messaging import CloudEvent

from acs_core.core import endings
from acs_core.errors import MediaError, TransportError
from acs_core.service.automation.events import Event, EventOutlet, failure, result_of


def test_an_event_is_posted_to_its_callback_in_the_group_of_its_call() -> None:
    posted: list[tuple[str, str, Sequence[Event]]] = []
    outlet = EventOutlet(clock=lambda: 1_800_000_000.0)
    outlet.post = lambda *given: posted.append(given)
    outlet.send("https://h/e", "call", "calling/x", "PlayCompleted", serverCallId="s", other=None)
    ((url, group, (event,)),) = posted
    assert (url, group) == ("https://h/e", "call")
    read = CloudEvent.from_dict(dict(event))
    assert read.type == "Microsoft.Communication.PlayCompleted"
    assert read.source == "calling/x/PlayCompleted"
    assert read.data == {"type": "playCompleted", "serverCallId": "s"}
    assert read.time is not None
    assert read.time.timestamp() == 1_800_000_000.0


def test_without_a_callback_or_somebody_who_delivers_nothing_is_posted() -> None:
    outlet = EventOutlet()
    outlet.send("https://h/e", "call", "calling/x", "PlayCompleted")
    posted: list[object] = []
    outlet.post = lambda *given: posted.append(given)
    outlet.send("", "call", "calling/x", "PlayCompleted")
    assert not posted


def test_who_does_not_take_an_event_for_delivery_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("full")

    outlet = EventOutlet()
    outlet.post = fail
    outlet.send("https://h/e", "call", "calling/x", "PlayCompleted")
    assert "PlayCompleted was not accepted" in caplog.text


def test_ends_that_nothing_caused_but_people_are_graceful() -> None:
    assert result_of(endings.HUNG_UP)["subCode"] == 7000
    assert result_of(endings.DECLINED)["code"] == 603


def test_a_failure_has_the_codes_of_its_error_or_those_of_what_failed() -> None:
    lost = TransportError("Lost.", sub_code=7)
    assert failure(lost) == {"code": 408, "subCode": 7, "message": "Lost."}
    assert failure(lost, sub_code=8511)["subCode"] == 8511
    assert failure(MediaError("Broken.", code=0))["code"] == 500
