from __future__ import annotations

import pytest

from acs_core import InvalidArgumentError, wire
from acs_core.service.remote_diagnostics import pass_on
from tests.support.crowd import Crowd


def report(name: str) -> wire.DiagnosticReport:
    return wire.DiagnosticReport(diagnostic=name, value=True)


def test_everybody_else_is_told_who_has_trouble() -> None:
    crowd = Crowd()
    anna, bert = crowd.join("anna"), crowd.join("bert")
    sender, listener = anna.endpoint.id, bert.endpoint.id
    reports = (report("noNetwork"),)
    pass_on(anna.endpoint, reports)
    assert anna.notices == []
    assert bert.notices == [
        wire.DiagnosticsReported(endpoint=listener, sender=sender, reports=reports)
    ]


@pytest.mark.parametrize("names", [[], ["x"] * 33, [""], ["x" * 65]])
def test_what_no_client_of_ours_says_is_refused(names: list[str]) -> None:
    anna = Crowd().join("anna")
    with pytest.raises(InvalidArgumentError) as caught:
        pass_on(anna.endpoint, [report(name) for name in names])
    assert caught.value.sub_code == 45400
