from __future__ import annotations

import dataclasses

import pytest

from twilio_compat import participant, stats
from twilio_compat.option_bags import snake_case
from twilio_compat.spelling import Spelling

RECORDS = [
    kind
    for module in (participant, stats)
    for kind in vars(module).values()
    if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
]


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    bytesSent: int  # noqa: N815

    bytes_sent = Spelling[int]("bytesSent")


def test_a_field_can_be_read_by_both_names() -> None:
    record = Record(7)
    assert record.bytes_sent == record.bytesSent == 7
    assert dataclasses.asdict(record) == {"bytesSent": 7}


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_field_of_a_record_of_measurements_has_both(kind: type) -> None:
    for field in dataclasses.fields(kind):
        other = snake_case(field.name)
        if other != field.name:
            found = next(vars(base)[other] for base in kind.__mro__ if other in vars(base))
            assert isinstance(found, Spelling | property)
