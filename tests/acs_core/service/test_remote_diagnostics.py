from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from acs_core import InvalidArgumentError, wire
from acs_core.service.endpoints import Endpoint
from acs_core.service.remote_diagnostics import pass_on


def endpoint(call: SimpleNamespace, key: str) -> tuple[Endpoint, list[wire.Notice]]:
    heard: list[wire.Notice] = []
    observer = SimpleNamespace(on_notice=heard.append)

    def tell(say: Callable[[SimpleNamespace], None]) -> None:
        say(observer)

    one = cast(Endpoint, SimpleNamespace(id=key, call=call, tell=tell))
    call.endpoints[key] = one
    return one, heard


def report(name: str) -> wire.DiagnosticReport:
    return wire.DiagnosticReport(diagnostic=name, value=True)


def test_everybody_else_is_told_who_has_trouble() -> None:
    call = SimpleNamespace(endpoints={})
    sender, own = endpoint(call, "a")
    _, heard = endpoint(call, "b")
    pass_on(sender, [report("noNetwork")])
    assert own == []
    assert heard == [
        wire.DiagnosticsReported(endpoint="b", sender="a", reports=(report("noNetwork"),))
    ]


@pytest.mark.parametrize("names", [[], ["x"] * 33, [""], ["x" * 65]])
def test_what_no_client_of_ours_says_is_refused(names: list[str]) -> None:
    sender, _ = endpoint(SimpleNamespace(endpoints={}), "a")
    with pytest.raises(InvalidArgumentError) as caught:
        pass_on(sender, [report(name) for name in names])
    assert caught.value.sub_code == 45400
