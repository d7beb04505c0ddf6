"""What programs do to people in their calls, through Microsoft's client."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.communication.callautomation import (
    CommunicationUserIdentifier as AzureUser,
)
from azure.communication.callautomation import PhoneNumberIdentifier
from azure.communication.callautomation._generated import models
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from acs_core import AudioOptions, Call, GroupCallLocator, JoinCallOptions, LocalAudioStream
from acs_core.core import endings
from acs_core.core.tones import DtmfTone
from acs_core.media.sources import ToneSource
from tests.acs_core.service.automation.conftest import Site
from tests.support.callers import SILENT, Caller
from tests.support.events import until

QUIET = JoinCallOptions(streams=())
NOBODY = AzureUser("8:acs:nobody_here")


async def called(site: Site, person: Caller) -> tuple[str, Call]:
    """A call between the program and somebody: connection id, and their side."""
    rings = person.rings()
    created = await site.program.ask("create_call", AzureUser(person.raw_id), site.callbacks.url)
    call = await (await (await rings).accept(SILENT)).connected()
    await site.callbacks.event("CallConnected")
    return created.call_connection_id, call


async def connected(
    site: Site, *people: Caller, sound: LocalAudioStream | None = None
) -> tuple[str, list[Call]]:
    """A connection to a group call of some people, of whom the last one may be heard."""
    place = GroupCallLocator(str(uuid.uuid4()))
    calls = []
    for who in people:
        chosen = QUIET
        if sound is not None and who is people[-1]:
            chosen = JoinCallOptions(audio_options=AudioOptions(False, (sound,)))
        calls.append(await who.agent.join(place, chosen).connected())
    found = await site.program.ask("connect_call", site.callbacks.url, group_call_id=place.group_id)
    return found.call_connection_id, calls


async def refused(site: Site, connection: str, method: str, *args: Any, **kwargs: Any) -> Any:
    """Status and code of a refusal."""
    with pytest.raises(HttpResponseError) as caught:
        await site.program.on(connection, method, *args, **kwargs)
    return caught.value.status_code, caught.value.error.code


async def test_somebody_is_called_into_a_call_and_comes(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, _ = await called(site, anna)
    rings = ben.rings()
    added = await site.program.on(
        connection,
        "add_participant",
        AzureUser(ben.raw_id),
        operation_context="more",
        source_display_name="Hotline",
        voip_headers={"topic": "invoice"},
    )
    assert added.participant.identifier.raw_id == ben.raw_id
    assert (added.operation_context, bool(added.invitation_id)) == ("more", True)
    incoming = await rings
    assert incoming.caller_info.display_name == "Hotline"
    await (await incoming.accept(SILENT)).connected()
    told = models.AddParticipantSucceeded.deserialize(
        await site.callbacks.event("AddParticipantSucceeded")
    )
    assert told.participant.raw_id == ben.raw_id
    assert told.operation_context == "more"
    await site.callbacks.event("ParticipantsUpdated", 2)
    present = await site.program.on(connection, "list_participants")
    assert ben.raw_id in {item.identifier.raw_id for item in present}


async def test_somebody_is_called_into_a_call_that_the_program_only_connected_to(
    site: Site,
) -> None:
    anna, ben = await site.person(), await site.person()
    connection, _ = await connected(site, anna)
    rings = ben.rings()
    await site.program.on(connection, "add_participant", AzureUser(ben.raw_id))
    await (await (await rings).accept(SILENT)).connected()
    told = models.AddParticipantSucceeded.deserialize(
        await site.callbacks.event("AddParticipantSucceeded")
    )
    assert told.participant.raw_id == ben.raw_id
    present = await site.program.on(connection, "list_participants")
    assert {who.identifier.raw_id for who in present} == {anna.raw_id, ben.raw_id}


async def test_somebody_who_declines_is_told_to_the_wanted_callback(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, call = await called(site, anna)
    rings = ben.rings()
    await site.program.on(
        connection,
        "add_participant",
        AzureUser(ben.raw_id),
        operation_callback_url=f"{site.callbacks.url}/other",
    )
    await (await rings).reject()
    told = models.AddParticipantFailed.deserialize(
        await site.callbacks.event("AddParticipantFailed")
    )
    assert told.result_information.code == 603
    index = site.callbacks.kinds.index("AddParticipantFailed")
    assert site.callbacks.paths[index] == "/events/other"
    assert call.state == "Connected"


async def test_a_call_into_a_call_rings_as_long_as_the_program_wants(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, _ = await called(site, anna)
    rings = ben.rings()
    await site.program.on(
        connection, "add_participant", AzureUser(ben.raw_id), invitation_timeout=0
    )
    told = models.AddParticipantFailed.deserialize(
        await site.callbacks.event("AddParticipantFailed")
    )
    result = told.result_information
    assert (result.code, result.sub_code) == (endings.NO_ANSWER.code, endings.NO_ANSWER.sub_code)
    incoming = await rings
    await until(lambda: incoming.call_end_reason)
    assert incoming.call_end_reason is not None
    assert incoming.call_end_reason.code == endings.NO_ANSWER.code


async def test_somebody_is_called_off(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, _ = await called(site, anna)
    rings = ben.rings()
    added = await site.program.on(connection, "add_participant", AzureUser(ben.raw_id))
    incoming = await rings
    cancelled = await site.program.on(
        connection, "cancel_add_participant_operation", added.invitation_id
    )
    assert cancelled.invitation_id == added.invitation_id
    told = models.CancelAddParticipantSucceeded.deserialize(
        await site.callbacks.event("CancelAddParticipantSucceeded")
    )
    assert told.invitation_id == added.invitation_id
    await until(lambda: incoming.call_end_reason)
    assert "AddParticipantFailed" not in site.callbacks.kinds
    again = await refused(site, connection, "cancel_add_participant_operation", added.invitation_id)
    assert again == (404, "8522")


async def test_somebody_is_removed(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, calls = await connected(site, anna, ben)
    removed = await site.program.on(
        connection, "remove_participant", AzureUser(ben.raw_id), operation_context="out"
    )
    assert removed.operation_context == "out"
    told = models.RemoveParticipantSucceeded.deserialize(
        await site.callbacks.event("RemoveParticipantSucceeded")
    )
    assert told.participant.raw_id == ben.raw_id
    await until(lambda: calls[1].state == "Disconnected")
    assert calls[1].call_end_reason is not None
    assert calls[1].call_end_reason.sub_code == 5300
    with pytest.raises(ResourceNotFoundError):
        await site.program.on(connection, "get_participant", AzureUser(ben.raw_id))


async def test_somebody_is_muted_and_can_unmute(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, calls = await connected(site, anna, ben, sound=LocalAudioStream(ToneSource()))
    who = AzureUser(ben.raw_id)
    assert not (await site.program.on(connection, "get_participant", who)).is_muted
    muted = await site.program.on(connection, "mute_participant", who, operation_context="hush")
    assert muted.operation_context == "hush"
    await until(lambda: calls[1].is_muted)
    assert (await site.program.on(connection, "get_participant", who)).is_muted
    await calls[1].unmute()
    assert not (await site.program.on(connection, "get_participant", who)).is_muted


async def test_somebody_is_held_and_goes_on(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, calls = await connected(site, anna, ben)
    who = AzureUser(ben.raw_id)
    await site.program.on(connection, "hold", who)
    await until(lambda: calls[1].state == "LocalHold")
    assert (await site.program.on(connection, "get_participant", who)).is_on_hold
    await site.program.on(connection, "unhold", who)
    await until(lambda: calls[1].state == "Connected")


async def test_the_other_side_is_transferred(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, call = await called(site, anna)
    rings = ben.rings()
    answer = await site.program.on(
        connection,
        "transfer_call_to_participant",
        AzureUser(ben.raw_id),
        operation_context="on",
        transferee=AzureUser(anna.raw_id),
    )
    assert answer.operation_context == "on"
    await (await (await rings).accept(SILENT)).connected()
    told = models.CallTransferAccepted.deserialize(
        await site.callbacks.event("CallTransferAccepted")
    )
    assert (told.transferee.raw_id, told.transfer_target.raw_id) == (anna.raw_id, ben.raw_id)
    await site.callbacks.event("CallDisconnected")
    await until(lambda: call.state == "Disconnected")


async def test_a_transfer_that_fails_leaves_the_call_as_it_is(site: Site) -> None:
    anna, ben = await site.person(), await site.person()
    connection, call = await called(site, anna)
    rings = ben.rings()
    await site.program.on(connection, "transfer_call_to_participant", AzureUser(ben.raw_id))
    await (await rings).reject()
    told = models.CallTransferFailed.deserialize(await site.callbacks.event("CallTransferFailed"))
    assert told.result_information.code >= 400
    now = await site.program.on(connection, "get_call_properties")
    assert now.call_connection_state == "connected"
    assert call.state == "Connected"


async def test_a_telephone_hears_tones(site: Site) -> None:
    phone = PhoneNumberIdentifier("+15550100")
    created = await site.program.ask(
        "create_call",
        phone,
        site.callbacks.url,
        source_caller_id_number=PhoneNumberIdentifier("+15550199"),
    )
    await until(lambda: site.switch.telephones.placed)
    telephone = site.switch.telephones.placed[-1]
    telephone.leg.answered()
    await site.callbacks.event("CallConnected")
    sent = await site.program.on(
        created.call_connection_id,
        "send_dtmf_tones",
        ["one", "asterisk", "a"],
        phone,
        operation_context="keys",
    )
    assert sent.operation_context == "keys"
    await site.callbacks.event("SendDtmfTonesCompleted")
    assert telephone.tones == [DtmfTone.NUM1, DtmfTone.STAR, DtmfTone.A]
    connection = created.call_connection_id
    assert await refused(site, connection, "send_dtmf_tones", ["beep"], phone) == (400, "8523")
    assert await refused(site, connection, "send_dtmf_tones", ["one"], NOBODY) == (404, "8522")
    telephone.tones.clear()
    assert await refused(site, connection, "send_dtmf_tones", ["two"] * 19, phone) == (400, "8523")
    assert telephone.tones == []
    await site.program.on(connection, "send_dtmf_tones", ["two"] * 18, phone)
    assert telephone.tones == [DtmfTone.NUM2] * 18


async def test_people_who_are_not_there_are_not_found(site: Site) -> None:
    connection, _ = await connected(site, await site.person())
    for method in ("get_participant", "remove_participant", "mute_participant", "hold", "unhold"):
        assert await refused(site, connection, method, NOBODY) == (404, "8522")
    assert await refused(
        site, connection, "mute_participant", PhoneNumberIdentifier("+15550100")
    ) == (400, "8523")


async def test_who_is_in_the_call_is_not_called_into_it(site: Site) -> None:
    anna = await site.person()
    connection, _ = await connected(site, anna)
    assert await refused(site, connection, "add_participant", AzureUser(anna.raw_id)) == (
        400,
        "8523",
    )
    too_long = {"invitation_timeout": 181}
    with pytest.raises((HttpResponseError, ValueError)):
        await site.program.on(connection, "add_participant", NOBODY, **too_long)


async def test_a_program_that_only_connected_transfers_nobody(site: Site) -> None:
    connection, _ = await connected(site, await site.person())
    assert await refused(site, connection, "transfer_call_to_participant", NOBODY) == (405, "8520")


async def test_nothing_is_done_in_a_call_before_it_is_answered(site: Site) -> None:
    anna = await site.person()
    rings = anna.rings()
    created = await site.program.ask("create_call", AzureUser(anna.raw_id), site.callbacks.url)
    await rings
    connection = created.call_connection_id
    for method in ("add_participant", "mute_participant", "hold", "transfer_call_to_participant"):
        assert await refused(site, connection, method, NOBODY) == (400, "8501")


async def test_what_the_service_cannot_do_says_so(site: Site) -> None:
    connection, _ = await connected(site, await site.person())
    unserved: tuple[tuple[Any, ...], ...] = (
        ("start_continuous_dtmf_recognition", NOBODY),
        ("stop_continuous_dtmf_recognition", NOBODY),
        ("start_recognizing_media", "dtmf", NOBODY),
        ("start_media_streaming",),
        ("stop_media_streaming",),
        ("move_participants", [NOBODY], connection),
        ("start_transcription",),
    )
    for method, *args in unserved:
        assert await refused(site, connection, method, *args) == (405, "8520"), method


async def test_connections_that_are_not_there_are_not_found(site: Site) -> None:
    operations: tuple[tuple[Any, ...], ...] = (
        ("get_call_properties",),
        ("hang_up", False),
        ("hang_up", True),
        ("list_participants",),
        ("get_participant", NOBODY),
        ("add_participant", NOBODY),
        ("remove_participant", NOBODY),
        ("mute_participant", NOBODY),
        ("cancel_add_participant_operation", "f" * 32),
        ("transfer_call_to_participant", NOBODY),
        ("hold", NOBODY),
        ("unhold", NOBODY),
        ("start_transcription",),
        ("stop_transcription",),
        ("start_media_streaming",),
    )
    for method, *args in operations:
        assert await refused(site, "f" * 32, method, *args) == (404, "8522"), method
