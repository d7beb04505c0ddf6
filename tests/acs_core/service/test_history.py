from __future__ import annotations

from acs_core.service.history import VISITS, CallRecord


def test_a_visit_lasts_from_arrival_to_departure() -> None:
    record = CallRecord("a", None, 0.0)
    record.arrived("e", "anna", now=1.0)
    record.arrived("f", "ben", now=2.0)
    record.left("e", now=3.0)
    record.left("unknown", now=3.0)
    visit = record.visits["e"]
    assert (visit.identity, visit.arrived_at, visit.left_at) == ("anna", 1.0, 3.0)
    assert record.visits["f"].left_at is None
    record.arrived("e", "anna", now=4.0)
    assert list(record.visits) == ["f", "e"]
    assert record.visits["e"].left_at is None


def test_visits_are_bounded_but_nobody_present_is_forgotten() -> None:
    record = CallRecord("a", None, 0.0)
    record.arrived("stays", "anna", now=0.0)
    for number in range(VISITS + 10):
        record.arrived(str(number), "ben", now=1.0)
        record.left(str(number), now=2.0)
    assert len(record.visits) == VISITS
    assert next(iter(record.visits)) == "stays"
    crowd = CallRecord("b", None, 0.0)
    for number in range(VISITS + 1):
        crowd.arrived(str(number), "ben", now=1.0)
    assert len(crowd.visits) == VISITS + 1
