"""The program that is tested: it greets who comes, answers, and hums while somebody is there."""

from __future__ import annotations

import asyncio

import twilio_compat as Video


class Doorman:
    """A bot in a room: `async with Doorman(token, room_name):`."""

    def __init__(self, token: str, room_name: str) -> None:
        self._token = token
        self._room_name = room_name

    async def __aenter__(self) -> Doorman:
        self._chat = Video.LocalDataTrack(name="chat")
        self._hum = await Video.create_local_audio_track(source="tone", frequency=880)
        self._hum.disable()
        self._room = await Video.connect(
            self._token, name=self._room_name, tracks=[self._chat, self._hum]
        )
        for participant in self._room.participants.values():
            self._greet(participant)
        self._room.on("participantConnected", self._greet)
        self._room.on("participantDisconnected", self._part)
        self._room.on("trackMessage", self._answer)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.disconnect()
        await self._room.closed()
        self._hum.stop()
        await self._hum.closed()

    def _greet(self, participant: Video.RemoteParticipant) -> None:
        self._hum.enable()

    def _part(self, participant: Video.RemoteParticipant) -> None:
        if not self._room.participants:
            self._hum.disable()

    def _answer(self, data: str, track: object, participant: Video.RemoteParticipant) -> None:
        self._chat.send(f"{participant.identity} said {data}")


async def main(token: str, room_name: str) -> None:
    async with Doorman(token, room_name):
        await asyncio.Event().wait()
