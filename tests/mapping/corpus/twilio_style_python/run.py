from session import join


async def run(token):
    room = await join(token)
    room.on("participantConneted", print)  # @ Room#participantConneted
    room.disconnect()  # @ Room.disconnect
