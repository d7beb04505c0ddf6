async function main(alice, bob) {
  const first = await Twilio.Video.connect(alice, { name: 'daily', audio: true, video: false });
  const nothing = { name: 'daily', audio: false, video: false };
  const room = await Twilio.Video.connect(bob, nothing);
  room.participants.forEach((participant, sid) => {
    const { audioTracks, videoTracks, identity } = participant;
    console.log(identity, sid === first.localParticipant.sid, audioTracks.size, videoTracks.size);
  });
  room.disconnect();
  first.disconnect();
}
