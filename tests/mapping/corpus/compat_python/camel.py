import twilio_compat as Video  # @ import


class Recorder:
    def __init__(self):
        self.room = None

    async def start(self, token):
        self.room = await Video.connect(token, {"dominantSpeaker": True, "audio": False})  # @ connect, ConnectOptions.dominantSpeaker, ConnectOptions.audio
        self.room.on("dominantSpeakerChanged", self.changed)  # @ Room#dominantSpeakerChanged

    def changed(self, participant):
        pass

    async def stop(self):
        self.room.localParticipant.videoTracks.values()  # @ Room.localParticipant, LocalParticipant.videoTracks
        self.room.disconnect()  # @ Room.disconnect
