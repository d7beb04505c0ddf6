"""The packaged scenarios, live: the facade, the calling SDK, and what the facade did before.

A golden trace is recorded by `twilio-compat compare NAME --record
mapping/scenarios/golden/NAME.jsonl`, and read before it is committed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from mapping.compare import (
    ActorLostError,
    EntryKind,
    FindingKind,
    RunOptions,
    Scenario,
    ScenarioError,
    Service,
    Trace,
    UnreachableError,
    compare,
    failure_text,
    find_scenario,
    packaged_scenarios,
    run_scenario,
    runner,
)
from mapping.compare.actors.twilio import TwilioActor
from mapping.compare.runner import UNMET
from mapping.compare.scenario import Media
from mapping.compare.scenario_files import FOLDER, parse_scenario
from twilio_compat.server import CompatServer

CAMERA = {"kind": "video", "name": "camera", "color": "red"}


@pytest.mark.parametrize("name", packaged_scenarios())
async def test_facade_and_calling_sdk_do_what_was_recorded(name: str) -> None:
    scenario = find_scenario(name)
    golden = Trace.read(FOLDER / "golden" / f"{name}.jsonl")
    for implementation in ("twilio", "native"):
        comparison = compare(golden, await run_scenario(scenario, implementation), scenario)
        assert comparison.is_alike, failure_text(comparison)
        assert comparison.steps == len(scenario.steps)


# ---------------------------------------------------------------- seeded divergences


class WrongColor(TwilioActor):
    """Shows blue whatever it is told."""

    async def publish(self, media: Media) -> Any:
        return await super().publish(replace(media, color="blue"))


class Deaf(TwilioActor):
    """Hears nothing of disabled tracks."""

    def __init__(self, seat: Any, place: Any, hear: Any) -> None:
        def some(event: str, args: list[Any]) -> None:
            if event != "trackDisabled":
                hear(event, args)

        super().__init__(seat, place, some)


async def test_a_wrong_color_is_found_live() -> None:
    scenario = find_scenario("mute-video")
    golden = Trace.read(FOLDER / "golden" / "mute-video.jsonl")
    options = RunOptions(within=1.0, makers={"odd": WrongColor})
    comparison = compare(golden, await run_scenario(scenario, "odd", options), scenario)
    assert comparison.first is not None
    assert (comparison.first.step, comparison.first.kind) == (3, FindingKind.MEDIA)
    assert "'red' and 'blue'" in comparison.first.text


async def test_a_dropped_event_is_found_live_and_ends_the_run() -> None:
    scenario = find_scenario("mute-video")
    golden = Trace.read(FOLDER / "golden" / "mute-video.jsonl")
    options = RunOptions(within=0.5, makers={"odd": Deaf})
    trace = await run_scenario(scenario, "odd", options)
    assert [one.args for one in trace.entries if one.name == UNMET] == [
        {"expectation": "ben trackDisabled of ann/camera"}
    ]
    comparison = compare(golden, trace, scenario)
    assert comparison.steps == 4
    assert {one.kind for one in comparison.findings} == {FindingKind.MISSING, FindingKind.UNMET}


# ---------------------------------------------------------------- without a reference


def story(*steps: dict[str, Any], names: tuple[str, ...] = ("ann", "ben", "cam")) -> Scenario:
    return parse_scenario(
        {"scenario": "story", "actors": {name: {} for name in names}, "steps": list(steps)}
    )


async def rosters(scenario: Scenario, implementation: str) -> dict[str, Any]:
    """What each actor's last look at the roster showed, in any order."""
    trace = await run_scenario(scenario, implementation, RunOptions(within=5.0))
    assert not [one for one in trace.entries if one.name == UNMET], trace.text()
    seen = {
        one.actor: one.args["value"]
        for one in trace.entries
        if one.kind is EntryKind.RESULT and one.name == "roster"
    }
    return {actor: sorted(one["identity"] for one in value) for actor, value in seen.items()}


@pytest.mark.parametrize("implementation", ["twilio", "native"])
async def test_who_is_there_does_not_depend_on_who_came_first(implementation: str) -> None:
    found = []
    for order in list(permutations(("ann", "ben", "cam")))[::2]:
        looks = [{name: "roster", "is": [one for one in order if one != name]} for name in order]
        # Who came later is told last.
        joins: list[dict[str, Any]] = [{name: "join"} for name in order]
        joins[-1]["expect"] = looks
        found.append(await rosters(story(*joins), implementation))
    assert found == [found[0]] * len(found)
    assert found[0]["ann"] == ["ben", "cam"]


async def subscriptions(*deeds: dict[str, Any], implementation: str) -> dict[str, Any]:
    """What ann receives of ben's camera after ben's deeds."""
    first = {"ann": "trackSubscribed", "of": "ben", "track": "camera"}
    last = [{**first, "track": "end"}, {"ann": "roster", "is": ["ben"]}]
    scenario = story(
        {"ann": "join"},
        {"ben": "join", "with": {"tracks": [CAMERA]}, "expect": [first]},
        *deeds,
        {"ben": "publish", "with": {"kind": "data", "name": "end"}, "expect": last},
        names=("ann", "ben"),
    )
    trace = await run_scenario(scenario, implementation, RunOptions(within=5.0))
    (ben,) = [one for one in trace.entries if one.name == "roster"][-1].args["value"]
    (camera,) = [one for one in ben["tracks"] if one["name"] == "camera"]
    return dict(camera)


MUTE = {"ben": "mute", "with": {"track": "camera"}}
DISABLED = {"expect": [{"ann": "trackDisabled", "of": "ben"}]}
UNMUTE = {
    "ben": "unmute",
    "with": {"track": "camera"},
    "expect": [{"ann": "trackEnabled", "of": "ben"}],
}


@pytest.mark.parametrize("implementation", ["twilio", "native"])
async def test_disabled_and_enabled_again_is_received_as_before(implementation: str) -> None:
    before = await subscriptions(implementation=implementation)
    after = await subscriptions(MUTE | DISABLED, UNMUTE, implementation=implementation)
    assert before == after
    assert before["subscribed"]


@pytest.mark.parametrize("implementation", ["twilio", "native"])
async def test_muted_twice_is_muted_once(implementation: str) -> None:
    once = await subscriptions(MUTE | DISABLED, implementation=implementation)
    twice = await subscriptions(MUTE | DISABLED, MUTE, implementation=implementation)
    assert once == twice
    assert not once["enabled"]


# ---------------------------------------------------------------- what can go wrong


async def test_deeds_that_fail_are_told_with_their_code() -> None:
    scenario = story(
        {"ann": "leave"},
        {"ann": "join", "with": {"tracks": [{"kind": "data", "name": "chat"}]}},
        {"ann": "mute", "with": {"track": "chat"}},
        {"ann": "unpublish", "with": {"track": "none"}},
        {"ann": "send", "with": {"track": "none", "text": ""}},
        {"ann": "prioritize", "with": {"track": "none", "priority": "high"}},
        names=("ann",),
    )
    failed = {}
    for implementation in ("twilio", "native"):
        trace = await run_scenario(scenario, implementation)
        failed[implementation] = [
            (one.step, one.name) for one in trace.entries if one.kind is EntryKind.ERROR
        ]
    assert failed["twilio"] == [
        (1, "leave"),
        (3, "mute"),
        (4, "unpublish"),
        (5, "send"),
        (6, "prioritize"),
    ]
    # A data track has no `disable` in Twilio; a data publication of acs_core can be disabled.
    assert failed["native"] == [one for one in failed["twilio"] if one[1] != "mute"]


async def test_an_actor_may_have_an_implementation_of_its_own() -> None:
    scenario = replace(
        find_scenario("join-leave"),
        seats={
            name: replace(seat, implementation="native" if name == "ben" else "")
            for name, seat in find_scenario("join-leave").seats.items()
        },
    )
    golden = Trace.read(FOLDER / "golden" / "join-leave.jsonl")
    comparison = compare(golden, await run_scenario(scenario, "twilio"), scenario)
    assert comparison.is_alike, failure_text(comparison)


async def test_who_has_not_joined_meets_no_expectation() -> None:
    for what in ({"ann": "roster", "is": []}, {"ann": "sees", "is": "red", "of": "ben"}):
        scenario = story({"ben": "join", "expect": [what]}, names=("ann", "ben"))
        for implementation in ("twilio", "native"):
            trace = await run_scenario(scenario, implementation, RunOptions(within=0.2))
            assert trace.entries[-1].name == UNMET


async def test_a_service_that_goes_away_is_told(calling_server: CompatServer) -> None:
    service = _service(calling_server)
    scenario = story(
        {"ann": "join"}, {"service": "complete"}, {"service": "complete"}, names=("ann",)
    )

    class Closing(TwilioActor):
        """Takes the service along when it joins."""

        async def join(self, tracks: Any) -> Any:
            await calling_server.close()

    options = RunOptions(service=service, makers={"odd": Closing})
    with pytest.raises(UnreachableError):
        await run_scenario(scenario, "odd", options)


class Stuck(TwilioActor):
    """Never ends what it is asked for, except joining."""

    async def publish(self, media: Media) -> Any:
        await asyncio.Event().wait()

    async def roster(self) -> list[dict[str, Any]]:
        await asyncio.Event().wait()
        raise AssertionError


async def test_an_actor_that_hangs_ends_the_run_in_time() -> None:
    scenario = story(
        {"ann": "join"},
        {"ann": "publish", "with": {"kind": "data", "name": "chat"}},
        {"ann": "leave", "expect": [{"ann": "roster", "is": ["ben"]}]},
        names=("ann",),
    )
    before = asyncio.all_tasks()
    options = RunOptions(within=0.2, deed=0.2, makers={"odd": Stuck})
    async with asyncio.timeout(20.0):
        trace = await run_scenario(scenario, "odd", options)
    told = [(one.step, one.name) for one in trace.entries if one.kind is EntryKind.ERROR]
    assert told == [(2, "publish"), (3, UNMET)]
    assert asyncio.all_tasks() == before


async def test_an_actor_that_does_not_close_keeps_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    closed = []

    class Staying(TwilioActor):
        """Does not go when it is told to."""

        async def aclose(self) -> None:
            await super().aclose()
            closed.append(self.seat.actor)
            await asyncio.Event().wait()

    monkeypatch.setattr(runner, "_CLOSING", 2.0)
    scenario = story({"ann": "join"}, {"ben": "join"}, names=("ann", "ben"))
    await run_scenario(scenario, "odd", RunOptions(makers={"odd": Staying}))
    assert closed == ["ben", "ann"]
    assert "ann did not close" in caplog.text


async def test_an_actor_that_is_lost_ends_the_run_and_the_deeds_of_the_others() -> None:
    cancelled = []

    class Lost(TwilioActor):
        """One of them crashes; the others do not get ready."""

        async def open(self) -> None:
            if self.seat.actor == "ann":
                raise ActorLostError("ann crashed.")
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(self.seat.actor)

    with pytest.raises(ActorLostError, match="ann crashed"):
        await run_scenario(story({"ann": "join"}), "odd", RunOptions(makers={"odd": Lost}))
    assert sorted(cancelled) == ["ben", "cam"]


async def test_a_service_that_goes_away_is_no_finding(calling_server: CompatServer) -> None:
    class Closing(TwilioActor):
        """Takes the service along when it leaves."""

        async def leave(self) -> Any:
            await calling_server.close()

    scenario = story(
        {"ann": "join"},
        {"ann": "leave", "expect": [{"ann": "disconnected"}]},
        names=("ann",),
    )
    options = RunOptions(within=0.2, service=_service(calling_server), makers={"odd": Closing})
    with pytest.raises(UnreachableError, match="does not answer"):
        await run_scenario(scenario, "odd", options)


async def test_a_service_with_tls_is_refused_for_the_relay_has_none() -> None:
    service = Service("https://127.0.0.1:9", "AC0", "SK0", "secret")
    with pytest.raises(UnreachableError, match="http://"):
        await run_scenario(story({"ann": "join"}), "twilio", RunOptions(service=service))


async def test_an_api_key_that_is_refused_is_no_finding(calling_server: CompatServer) -> None:
    service = replace(_service(calling_server), api_key_secret="another")
    with pytest.raises(UnreachableError, match="refuses the API key"):
        await run_scenario(story({"ann": "join"}), "twilio", RunOptions(service=service))


async def test_identities_of_any_signs_can_be_removed() -> None:
    scenario = parse_scenario(
        {
            "scenario": "signs",
            "actors": {"ann": {"identity": "ann/ä b?#%41"}},
            "steps": [
                {"ann": "join"},
                {
                    "service": "remove",
                    "with": {"participant": "ann"},
                    "expect": [{"ann": "disconnected"}],
                },
            ],
        }
    )
    trace = await run_scenario(scenario, "twilio", RunOptions(within=5.0))
    assert not [one for one in trace.entries if one.kind is EntryKind.ERROR], trace.text()
    assert [one.args for one in trace.entries if one.name == "remove"][-1] == {"value": 202}


async def test_an_unknown_implementation_is_refused() -> None:
    with pytest.raises(ScenarioError, match="semaphore"):
        await run_scenario(find_scenario("join-leave"), "semaphore")


async def test_a_service_that_runs_already_is_used(calling_server: CompatServer) -> None:
    service = _service(calling_server)
    scenario = find_scenario("removed-over-rest")
    golden = Trace.read(FOLDER / "golden" / "removed-over-rest.jsonl")
    for _ in range(2):  # Runs at one service do not meet.
        trace = await run_scenario(scenario, "twilio", RunOptions(service=service))
        comparison = compare(golden, trace, scenario)
        assert comparison.is_alike, failure_text(comparison)


async def test_a_service_that_does_not_answer_is_told() -> None:
    service = Service("http://127.0.0.1:9", "AC0", "SK0", "secret")
    with pytest.raises(UnreachableError, match="does not answer"):
        await run_scenario(find_scenario("join-leave"), "twilio", RunOptions(service=service))


def _service(server: CompatServer) -> Service:
    account = server.settings.twilio_account_sid  # type: ignore[attr-defined]
    (sid, key), *_ = server.settings.api_keys.items()  # type: ignore[attr-defined]
    return Service(server.url, account, sid, key.secret)
