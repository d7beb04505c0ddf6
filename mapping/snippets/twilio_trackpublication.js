async function main(alice, bob) {
  const first = await Twilio.Video.connect(alice, { name: 'daily', audio: true, video: false });
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(bob, nothing);
  const [ours] = first.localParticipant.tracks.values();
  const [participant] = room.participants.values();
  const [theirs] = participant.tracks.values();
  console.log(ours.trackSid === theirs.trackSid, ours.trackName === theirs.trackName);

  const muted = new Promise((resolve) => theirs.once('trackDisabled', resolve));
  ours.track.disable();
  await muted;
  console.log(theirs.isTrackEnabled);
  room.disconnect();
  first.disconnect();
}
