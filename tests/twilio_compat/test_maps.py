from __future__ import annotations

import pytest

from twilio_compat.maps import LiveMap


def test_a_map_is_live_and_keeps_the_order_of_insertion() -> None:
    items = {"b": 1}
    live = LiveMap(items)
    items["a"] = 2
    assert list(live) == ["b", "a"]
    assert list(live.values()) == [1, 2]
    assert list(live.entries()) == [("b", 1), ("a", 2)]
    assert (live.size, len(live), live["a"], live.get("c")) == (2, 2, 2, None)
    assert live.has("a")
    assert not live.has("c")
    assert repr(live) == "LiveMap({'b': 1, 'a': 2})"


def test_a_map_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        LiveMap({})["a"] = 1  # type: ignore[index]


@pytest.mark.feature("PUBLICATION-001")
def test_for_each_gives_value_and_key_and_may_remove() -> None:
    items = {"a": 1, "b": 2}
    live = LiveMap(items)
    seen: list[tuple[object, ...]] = []

    def visit(value: int, key: str) -> None:
        seen.append((value, key))
        del items[key]

    live.forEach(visit)
    assert seen == [(1, "a"), (2, "b")]
    assert not live


def test_for_each_takes_functions_of_one_parameter() -> None:
    seen: list[int] = []
    LiveMap({"a": 1}).for_each(seen.append)
    assert seen == [1]
