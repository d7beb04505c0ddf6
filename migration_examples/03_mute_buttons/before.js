// Buttons that mute and unmute your own sound and picture, and a line for what the others do.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, { name: roomName, audio: true, video: true });
  const log = (text) => console.log(text);

  const setEnabled = (kind, enabled) => {
    const publications =
      kind === 'audio' ? room.localParticipant.audioTracks : room.localParticipant.videoTracks;
    publications.forEach((publication) => {
      if (enabled) {
        publication.track.enable();
      } else {
        publication.track.disable();
      }
    });
  };

  room.localParticipant.on('trackDisabled', (track) => log(`my ${track.kind} is off`));
  room.localParticipant.on('trackEnabled', (track) => log(`my ${track.kind} is on`));

  const followPublication = (publication, participant) => {
    if (!publication.isTrackEnabled) {
      log(`${publication.kind} of ${participant.identity} is off`);
    }
    publication.on('trackDisabled', () => {
      log(`${publication.kind} of ${participant.identity} is off`);
    });
    publication.on('trackEnabled', () => {
      log(`${publication.kind} of ${participant.identity} is on`);
    });
  };

  const followParticipant = (participant) => {
    participant.tracks.forEach((publication) => followPublication(publication, participant));
    participant.on('trackPublished', (publication) => followPublication(publication, participant));
  };

  room.participants.forEach(followParticipant);
  room.on('participantConnected', followParticipant);

  document.querySelector('#mute-audio').onclick = () => setEnabled('audio', false);
  document.querySelector('#unmute-audio').onclick = () => setEnabled('audio', true);
  document.querySelector('#mute-video').onclick = () => setEnabled('video', false);
  document.querySelector('#unmute-video').onclick = () => setEnabled('video', true);
  document.querySelector('#leave').onclick = () => room.disconnect();
}
