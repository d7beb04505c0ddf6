from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twilio_compat.option_bags import NO_NAMES, constraint, flag, merge, optional, snake_case


@given(st.from_regex(r"[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*", fullmatch=True))
def test_names_convert_back(name: str) -> None:
    head, *tail = name.split("_")
    camel = head + "".join(part.capitalize() for part in tail)
    assert snake_case(camel) == name


def test_names_with_a_capital_stay() -> None:
    assert snake_case("MediaStream") == "MediaStream"


def test_a_bag_and_keywords_are_joined() -> None:
    known, ignored = frozenset({"one_thing", "other"}), frozenset({"browser_only"})
    bag = {"oneThing": 1, "browserOnly": 2}
    assert merge("bag", bag, {"other": 3}, known, ignored, NO_NAMES) == {"one_thing": 1, "other": 3}
    assert merge("bag", None, {}, known, ignored, NO_NAMES) == {}


@pytest.mark.parametrize(
    ("bag", "keywords", "message"),
    [
        (3, {}, "bag must be an object"),
        ({"nam": 1}, {}, "Did you mean 'name'"),
        ({"zzzz": 1}, {}, "Known: name"),
        ({"name": 1}, {"name": 1}, "given twice"),
    ],
)
def test_what_is_no_bag_is_refused(bag: object, keywords: dict[str, int], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        merge("bag", bag, keywords, frozenset({"name"}), NO_NAMES, NO_NAMES)


def test_a_key_without_effect_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    merge("bag", {"later": 1}, {}, NO_NAMES, NO_NAMES, frozenset({"later"}))
    assert "bag.later has no effect here." in caplog.text
    merge("bag", {"oneThing": 1}, {}, NO_NAMES, NO_NAMES, {"one_thing": "Do the other."})
    assert "bag.oneThing has no effect here. Do the other." in caplog.text


@pytest.mark.parametrize("value", [None, False])
def test_a_key_without_effect_that_asks_for_nothing_is_not(
    value: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert merge("bag", {"later": value}, {}, NO_NAMES, NO_NAMES, frozenset({"later"})) == {}
    assert not caplog.text


def test_values_have_types() -> None:
    values = {"yes": True, "count": 3, "size": {"ideal": 2}}
    assert flag(values, "yes", default=False)
    assert not flag(values, "no", default=False)
    assert optional(values, "count", int) == 3
    assert optional(values, "none", int) is None
    assert constraint(values, "size", float) == 2.0
    for wrong in (float("nan"), float("inf"), {"exact": float("-inf")}):
        with pytest.raises(TypeError, match="rate must be a finite number"):
            constraint({"rate": wrong}, "rate", float)
    with pytest.raises(TypeError):
        flag(values, "count", default=True)
    with pytest.raises(TypeError):
        optional(values, "yes", int)
