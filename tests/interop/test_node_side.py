"""The Node side itself: what its tests stand on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.interop.node_side import NodeError, node_side, operations_of

NOWHERE = "http://127.0.0.1:9"

PATHS = {
    "/rooms": {"get": {"operationId": "ListRooms"}, "post": {"operationId": "CreateRoom"}},
    "/rooms/{room}": {"get": {"operationId": "FetchRoom"}},
    "/rooms/{room}:end": {"post": {"operationId": "EndRoom"}},
    "/rooms/{room}/people/{who}": {"get": {"operationId": "FetchPerson"}},
}


@pytest.mark.usefixtures("node_installed")
async def test_values_go_there_and_back() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    value = {"text": "ä\n\u2028", "none": None, "list": [1, 2.5, True], "when": when}
    async with node_side(NOWHERE) as node:
        assert await node.run("(clients, value) => value", value) == value
        assert await node.run("async (clients, when) => when.getTime()", when) == 1767323045000
        assert await node.run("() => undefined") is None
        assert await node.run("() => ({a: undefined, b: 'x'.repeat(100000)})") == {
            "b": "x" * 100000
        }


@pytest.mark.usefixtures("node_installed")
async def test_what_is_thrown_is_raised_and_the_next_call_works() -> None:
    async with node_side(NOWHERE) as node:
        with pytest.raises(NodeError, match="oh dear") as caught:
            await node.run(
                """async () => { throw Object.assign(
                    new RangeError('oh dear'), {statusCode: 418, code: 'Teapot'}) }"""
            )
        assert (caught.value.name, caught.value.status, caught.value.code) == (
            "RangeError",
            418,
            "Teapot",
        )
        with pytest.raises(NodeError) as caught:
            await node.run("this is no function")
        assert caught.value.name == "SyntaxError"
        with pytest.raises(NodeError, match="a word"):
            await node.run("() => { throw 'a word' }")
        assert await node.run("() => 1") == 1


@pytest.mark.usefixtures("node_installed")
async def test_a_call_that_is_late_ends_the_process() -> None:
    async with node_side(NOWHERE) as node:
        with pytest.raises(TimeoutError):
            await node.run("() => new Promise(() => {})", deadline=0.05)
        with pytest.raises((AssertionError, ConnectionError)):
            await node.run("() => 1")


@pytest.mark.parametrize(
    ("request_", "operations"),
    [
        (("GET", "/rooms?PageSize=2", 200), {"ListRooms"}),
        (("POST", "/rooms", 201), {"CreateRoom"}),
        (("POST", "/rooms", 400), set()),
        (("GET", "/rooms/daily", 200), {"FetchRoom"}),
        (("POST", "/rooms/daily", 200), set()),
        (("POST", "/rooms/daily:end", 202), {"EndRoom"}),
        (("GET", "/rooms/daily/people/8%3Aacs%3Aann", 200), {"FetchPerson"}),
        (("GET", "/rooms/daily/people/ann/tracks", 200), set()),
    ],
)
def test_operations_are_told_by_method_path_and_success(
    request_: tuple[str, str, int], operations: set[str]
) -> None:
    assert operations_of({"paths": PATHS}, [request_]) == operations
