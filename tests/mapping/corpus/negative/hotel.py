class Room:
    def __init__(self, name):
        self.name = name
        self.participants = {}

    def on(self, event, handler):
        handler(event)


room = Room("suite")
room.on("participantConnected", print)
room.participants.values()
