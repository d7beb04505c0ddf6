from __future__ import annotations

import pytest

from acs_core import DiagnosticQuality, Features, InvalidArgumentError, JoinCallOptions, wire
from acs_core.client.features.base import Observed, Sampled
from acs_core.core.facts import ConnectionState, EndpointChanged, EndpointLeft, EndReason
from tests.support.calls import Log, endpoint, joined, settle
from tests.support.fake_session import FakeSession

NOTHING = JoinCallOptions(streams=())
ANN = endpoint("a")


def prepare(session: FakeSession) -> None:
    session.others.append(ANN)


def told(session: FakeSession) -> list[dict[str, bool | int]]:
    return [
        {item.diagnostic: item.value for item in body.reports}
        for body in session.asked
        if isinstance(body, wire.ReportDiagnostics)
    ]


async def test_own_trouble_is_told_three_times_a_minute_at_most() -> None:
    async with joined(NOTHING) as (call, session):
        feature = call.feature(Features.USER_FACING_DIAGNOSTICS)
        feature.handle(Observed("cameraPermissionDenied", True))
        assert not feature.remote.is_sending_diagnostics_enabled
        feature.handle(Sampled(0.0))
        await settle()
        assert told(session) == []
        feature.remote.start_sending_diagnostics()
        for second in range(1, 6):
            feature.handle(Sampled(float(second)))
            feature.handle(Observed("cameraStartFailed", second % 2 == 1))
        await settle()
        first = told(session)
        assert len(first) == 3
        assert first[0]["cameraPermissionDenied"] is True
        assert first[1:] == [{"cameraStartFailed": True}, {"cameraStartFailed": False}]
        feature.handle(Sampled(61.0))
        await settle()
        assert told(session)[3:] == [{"cameraStartFailed": True}]
        feature.remote.stop_sending_diagnostics()
        feature.handle(Observed("cameraPermissionDenied", False))
        feature.handle(Sampled(200.0))
        await settle()
        assert len(told(session)) == 4


async def test_trouble_of_others_is_told_until_they_leave() -> None:
    async with joined(NOTHING, prepare=prepare) as (call, session):
        remote = call.feature(Features.USER_FACING_DIAGNOSTICS).remote
        log = Log().watch(remote)
        reports = (
            wire.DiagnosticReport(diagnostic="networkSendQuality", value=3),
            wire.DiagnosticReport(diagnostic="noNetwork", value=False),
            wire.DiagnosticReport(diagnostic="noNetwork", value=2),
            wire.DiagnosticReport(diagnostic="networkReconnect", value=7),
            wire.DiagnosticReport(diagnostic="nonsense", value=True),
        )
        session.observer.on_notice(
            wire.DiagnosticsReported(endpoint=session.id, sender=ANN.id, reports=reports)
        )
        session.say(EndpointChanged(endpoint=ANN.id, state=ConnectionState.RECONNECTING))
        (first, second) = [args[0].diagnostics for _, args in log.entries]
        (quality,) = first
        assert (quality.participant_id, quality.raw_id) == (ANN.id, ANN.identity)
        assert quality.remote_participant is call.remote_participants[0]
        assert (quality.diagnostic, quality.value) == ("networkSendQuality", DiagnosticQuality.BAD)
        assert [(item.diagnostic, item.value) for item in second] == [("serverConnection", 3)]
        assert remote.get_latest().diagnostics == (*first, *second)
        session.say(EndpointChanged(endpoint=ANN.id, state=ConnectionState.CONNECTED))
        assert remote.get_latest().diagnostics[1].value is DiagnosticQuality.GOOD
        session.say(EndpointLeft(endpoint=ANN.id, reason=EndReason()))
        assert remote.get_latest().diagnostics == ()
        with pytest.raises(InvalidArgumentError) as caught:
            remote.on("changed", lambda: None)
        assert caught.value.sub_code == 45401
