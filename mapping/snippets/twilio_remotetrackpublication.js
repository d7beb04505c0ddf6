async function main(alice, bob) {
  const camera = await Twilio.Video.createLocalVideoTrack({ name: 'camera' });
  const sender = await Twilio.Video.connect(alice, { name: 'daily', tracks: [camera] });
  const nothing = { name: 'daily', audio: false, video: false };
  const receiver = await Twilio.Video.connect(bob, nothing);

  const subscribed = new Promise((resolve) => {
    receiver.once('trackSubscribed', (track, publication) => resolve(publication));
  });
  const publication = await subscribed;
  const { trackName, isSubscribed, publishPriority } = publication;
  console.log(trackName, isSubscribed, publishPriority);

  const over = new Promise((resolve) => publication.once('unsubscribed', resolve));
  sender.localParticipant.unpublishTrack(camera);
  await over;
  console.log(publication.isSubscribed, String(publication.track));
  camera.stop();
  receiver.disconnect();
  sender.disconnect();
}
