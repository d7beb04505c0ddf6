"""The programs of the quickstart of 2020: recording, transfer and events.

They use `acs_core.legacy`, whose names of 2020 warn; here they run as they were written.
"""

from __future__ import annotations

from typing import Any

import pytest

from acs_core import (
    Features,
    TransferRequestedEventArgs,
    TransferState,
    TransferToParticipantOptions,
    legacy,
)
from tests.support.events import next_event, until
from tests.support.snippets import ACCEPT_QUIETLY, Pair, beta_user, user_id

pytestmark = pytest.mark.filterwarnings("ignore:.* is called .* today:DeprecationWarning")


@pytest.mark.feature("RECORD-001", "RECORD-002", "RECORD-003")
async def test_record_001_to_003_a_recorded_call(beta_pair: Pair) -> None:
    call = beta_pair.ours
    assert isinstance(call, legacy.Call)
    call_recording_api = call.api(Features.RECORDING)
    assert call.feature(Features.RECORDING) is call_recording_api
    assert call_recording_api.is_recording_active is False
    logged: list[bool] = []
    other = beta_pair.theirs.feature(Features.RECORDING)

    def is_recording_active_changed_handler() -> None:
        logged.append(call_recording_api.is_recording_active)

    call_recording_api.on("isRecordingActiveChanged", is_recording_active_changed_handler)
    for is_active in (True, False):
        told = next_event(other, "isRecordingActiveChanged")
        (activity,) = [
            one.activity
            for one in beta_pair.place.server.calls.live.values()
            if len(one.endpoints) == 2
        ]
        if is_active:
            recording = activity.start_recording("minutes")
        else:
            activity.stop_recording(recording)
        await told
        await until(lambda wanted=is_active: logged[-1:] == [wanted])  # type: ignore[misc]
    assert logged == [True, False]


async def transferred(pair: Pair, *, is_accepted: bool) -> tuple[Any, list[str], list[object]]:
    """Anna sends Ben on to Cleo: the transfer, its states, and the calls that Cleo gets."""
    cleo = await beta_user(pair.place, "Cleo")
    rings: list[object] = []

    async def incoming_call_handler(args: Any) -> None:
        rings.append(args.incoming_call.caller_info.identifier)
        await args.incoming_call.accept(ACCEPT_QUIETLY)

    cleo.agent.on("incomingCall", incoming_call_handler)
    call, other = pair.ours, pair.theirs
    assert isinstance(call, legacy.Call)
    assert isinstance(other, legacy.Call)

    # Ben, the transferee.
    def transfer_requested(args: TransferRequestedEventArgs) -> None:
        assert args.target_participant == user_id(cleo)
        if is_accepted:
            args.accept()
        else:
            args.reject()

    other.api(Features.TRANSFER).on("transferRequested", transfer_requested)

    # Anna, the transferor.
    call_transfer_api = call.api(Features.TRANSFER)
    assert call.feature(Features.TRANSFER) is call_transfer_api
    id_ = user_id(cleo)
    transfer = call_transfer_api.transfer(
        legacy.TransferToParticipant(id_),
        TransferToParticipantOptions(disable_forwarding_and_unanswered=True),
    )
    assert transfer.state in (TransferState.NONE, TransferState.TRANSFERRING)
    assert transfer.error is None
    states: list[str] = []
    transfer.on("transferStateChanged", lambda: states.append(str(transfer.state)))
    await until(lambda: transfer.is_over)
    return transfer, states, rings


@pytest.mark.feature(
    "TRANSFER-001", "TRANSFER-002", "TRANSFER-004", "TRANSFER-006", "TRANSFER-008", "TRANSFER-009"
)
async def test_transfer_004_transfer_008_the_transferee_accepts(beta_pair: Pair) -> None:
    """The guide misspells the event once, and says that the call raises it: the feature does."""
    transfer, states, rings = await transferred(beta_pair, is_accepted=True)
    assert states == ["Transferring", "Transferred"]
    assert rings == [user_id(beta_pair.ben)]
    assert transfer.error is None
    await beta_pair.ours.ended()
    await beta_pair.theirs.ended()


@pytest.mark.feature("TRANSFER-003", "TRANSFER-006", "TRANSFER-007", "TRANSFER-008")
async def test_transfer_007_transfer_008_the_transferee_rejects(beta_pair: Pair) -> None:
    """Nobody is asked in today's original; here who listens for it decides."""
    transfer, states, rings = await transferred(beta_pair, is_accepted=False)
    assert states == ["Transferring", "Failed"]
    assert rings == []
    transfer_error = transfer.error
    assert (transfer_error.code, transfer_error.sub_code) == (603, 46050)
    assert beta_pair.ours.state == beta_pair.theirs.state == "Connected"
    assert {str(state) for state in TransferState} == {
        "None",
        "Transferring",
        "Transferred",
        "Failed",
    }


@pytest.mark.feature("EVENT-006", "EVENT-007", "EVENT-008")
async def test_event_006_to_008_properties_and_collections(beta_pair: Pair) -> None:
    call = beta_pair.ours
    logged: list[object] = []

    def property_handler(*arguments: object) -> None:
        # The value is not among the arguments.
        logged.append((arguments, call.is_muted))

    def collection_handler(event: Any) -> None:
        logged.append((list(event.added), list(event.removed)))

    call.on("isMutedChanged", property_handler)
    call.on("remoteParticipantsUpdated", collection_handler)
    before = call.is_muted
    await (call.unmute() if before else call.mute())
    assert logged == [((), not before)]
    call.off("isMutedChanged", property_handler)
    await (call.mute() if before else call.unmute())
    (participant,) = call.remote_participants
    await beta_pair.theirs.hang_up()
    await call.ended()
    assert logged[1:] == [([], [participant])]
