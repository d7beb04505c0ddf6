import { LocalVideoTrack } from 'twilio-video'; // @ import
let screenTrack;
export async function shareScreen(room) {
  const stream = await getStream();
  screenTrack = new LocalVideoTrack(stream.getTracks()[0], { name: 'screen' }); // @ LocalVideoTrack, LocalTrackOptions.name
  room.localParticipant.publishTrack(screenTrack, { priority: 'high' }); // @ Room.localParticipant, LocalParticipant.publishTrack, LocalTrackPublishOptions.priority
  screenTrack.mediaStreamTrack.onended = () => stopSharing(room); // @ MediaTrack.mediaStreamTrack
}
export function stopSharing(room) {
  room.localParticipant.unpublishTrack(screenTrack); // @ Room.localParticipant, LocalParticipant.unpublishTrack
  screenTrack.stop(); // @ LocalVideoTrack.stop
}
function getStream() {
  if (navigator.mediaDevices.getDisplayMedia) return navigator.mediaDevices.getDisplayMedia({ video: true }); // @ MediaDevices.getDisplayMedia
  return navigator.mediaDevices.getUserMedia({ video: { mediaSource: 'screen' } }); // @ MediaDevices.getUserMedia, MediaTrackConstraints.mediaSource
}
