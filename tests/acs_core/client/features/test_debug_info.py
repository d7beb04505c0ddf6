from __future__ import annotations

import json
import logging

import pytest

from acs_core import CallClient, CallClientOptions, Features, InvalidArgumentError, JoinCallOptions
from tests.support.calls import credential
from tests.support.fake_session import FakeLink

NOTHING = JoinCallOptions(streams=())
GROUP = {"groupId": "6e7d4a1e-0000-4000-8000-000000000001"}


async def test_a_dump_tells_calls_devices_and_the_log() -> None:
    logger = logging.getLogger("test_debug_info")
    options = CallClientOptions(logger=logger, sample_interval=3600.0)
    async with CallClient(options, link_factory=FakeLink().factory) as client:
        feature = client.feature(Features.DEBUG_INFO)
        assert client.feature(Features.DEBUG_INFO) is feature
        assert feature.last_call_id is None
        agent = await client.create_call_agent(credential())
        first, second = agent.join(GROUP, NOTHING), agent.join(GROUP, NOTHING)
        await first.connected()
        await first.hang_up()
        assert feature.last_call_id == feature.last_local_participant_id == second.id
        logger.warning("token=%s was refused", "c2VjcmV0")
        dump = feature.dump_debug_info()
        told = json.loads(dump.dump)
        assert told["id"] == dump.dump_id
        assert [(item["id"], item["state"]) for item in told["calls"]] == [
            (first.id, "Disconnected"),
            (second.id, second.state),
        ]
        assert told["calls"][0]["end"][:2] == [0, 0]
        assert "was refused" in told["log"][-1]
        assert "c2VjcmV0" not in dump.dump
        assert "noMicrophoneDevicesEnumerated" in told["devices"]
        assert feature.dump_debug_info().dump_id != dump.dump_id
    assert logger.handlers == []


async def test_the_environment_is_this_python() -> None:
    async with CallClient(link_factory=FakeLink().factory) as client:
        info = await client.feature(Features.DEBUG_INFO).get_environment_info()
        assert info.environment.browser == "CPython"
        assert info.is_supported_environment


async def test_features_of_calls_are_none_of_clients() -> None:
    async with CallClient(link_factory=FakeLink().factory) as client:
        with pytest.raises(InvalidArgumentError):
            client.feature(Features.RECORDING)  # type: ignore[arg-type]
