// A grid of tiles in which who speaks comes first, and whose video has the best chance to be sent.
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
  const tiles = Array.from(room.participants.values());
  let prominent = null;

  const setPriority = (participant, priority) => {
    participant.videoTracks.forEach((publication) => {
      if (publication.track) {
        publication.track.setPriority(priority);
      }
    });
  };

  const show = () => log(`tiles: ${tiles.map((participant) => participant.identity).join(' ')}`);

  const dominantSpeakerChanged = (participant) => {
    if (participant === null || participant === prominent) {
      return; // in a silence the tiles stay as they are
    }
    if (prominent !== null) {
      setPriority(prominent, null);
    }
    prominent = participant;
    setPriority(participant, 'high');
    tiles.splice(tiles.indexOf(participant), 1);
    tiles.unshift(participant);
    show();
  };

  show();
  dominantSpeakerChanged(room.dominantSpeaker);
  room.on('participantConnected', (participant) => {
    tiles.push(participant);
    show();
  });
  room.on('participantDisconnected', (participant) => {
    tiles.splice(tiles.indexOf(participant), 1);
    show();
  });
  room.on('dominantSpeakerChanged', dominantSpeakerChanged);

  window.addEventListener('beforeunload', () => room.disconnect());
}
