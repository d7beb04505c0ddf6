// Buttons that share and unshare the screen, and a stage for the screen of somebody else.
const Video = require('twilio-video');

async function main(token, roomName) {
  const room = await Video.connect(token, { name: roomName, audio: false, video: false });
  const log = (text) => console.log(text);
  const local = room.localParticipant;
  let screenTrack = null;

  const share = async () => {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
    screenTrack = new Video.LocalVideoTrack(stream.getTracks()[0], { name: 'screen' });
    await local.publishTrack(screenTrack);
    log('I share');
    stream.getTracks()[0].onended = unshare; // the browser has a button, too
  };

  const unshare = () => {
    local.unpublishTrack(screenTrack);
    screenTrack.stop();
    log('I do not share');
  };

  const trackSubscribed = (track, publication, participant) => {
    if (track.name === 'screen') {
      log(`${participant.identity} shares`);
      document.querySelector('#stage').append(track.attach());
    }
  };

  const trackUnsubscribed = (track, publication, participant) => {
    if (track.name === 'screen') {
      log(`${participant.identity} does not share`);
      track.detach().forEach((element) => element.remove());
    }
  };

  room.participants.forEach((participant) => {
    participant.videoTracks.forEach((publication) => {
      if (publication.isSubscribed) {
        trackSubscribed(publication.track, publication, participant);
      }
    });
  });
  room.on('trackSubscribed', trackSubscribed);
  room.on('trackUnsubscribed', trackUnsubscribed);

  document.querySelector('#share').onclick = share;
  document.querySelector('#unshare').onclick = unshare;
  window.addEventListener('beforeunload', () => room.disconnect());
}
