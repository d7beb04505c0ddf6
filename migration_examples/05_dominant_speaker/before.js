// Shows who speaks, and gives that participant's video the best chance of being sent.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, {
    name: roomName,
    audio: false,
    video: false,
    dominantSpeaker: true,
    bandwidthProfile: { video: { mode: 'collaboration' } },
  });
  const log = (text) => console.log(text);
  let prominent = null;

  const setPriority = (participant, priority) => {
    participant.videoTracks.forEach((publication) => {
      if (publication.track) {
        publication.track.setPriority(priority);
      }
    });
  };

  const dominantSpeakerChanged = (participant) => {
    if (prominent !== null) {
      setPriority(prominent, null);
    }
    prominent = participant;
    if (participant === null) {
      log('nobody speaks');
      return;
    }
    setPriority(participant, 'high');
    log(`${participant.identity} speaks`);
  };

  if (room.dominantSpeaker !== null) {
    dominantSpeakerChanged(room.dominantSpeaker);
  }
  room.on('dominantSpeakerChanged', dominantSpeakerChanged);
  room.once('disconnected', () => log('disconnected'));

  window.addEventListener('beforeunload', () => room.disconnect());
}
