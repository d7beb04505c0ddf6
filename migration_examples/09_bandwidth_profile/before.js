// One video at a time: the one that matters most; a click on a name makes it matter more.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, {
    name: roomName,
    audio: false,
    video: false,
    bandwidthProfile: { video: { mode: 'presentation', maxTracks: 1 } },
  });
  const log = (text) => console.log(text);

  const follow = (track, publication, participant) => {
    if (track.kind !== 'video') {
      return;
    }
    if (track.isSwitchedOff) {
      log(`${participant.identity} is switched off`);
    }
    track.on('switchedOff', () => log(`${participant.identity} is switched off`));
    track.on('switchedOn', () => log(`${participant.identity} is switched on`));
  };

  const prefer = (identity) => {
    room.participants.forEach((participant) => {
      participant.videoTracks.forEach((publication) => {
        if (publication.track) {
          publication.track.setPriority(participant.identity === identity ? 'high' : null);
        }
      });
    });
  };

  room.participants.forEach((participant) => {
    participant.videoTracks.forEach((publication) => {
      if (publication.isSubscribed) {
        follow(publication.track, publication, participant);
      }
    });
  });
  room.on('trackSubscribed', follow);

  document.querySelector('#names').onclick = (event) => prefer(event.target.innerText);
  window.addEventListener('beforeunload', () => room.disconnect());
}
