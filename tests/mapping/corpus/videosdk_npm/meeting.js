import { VideoSDK } from '@videosdk.live/js-sdk'; // @ import
VideoSDK.config('token'); // @ VideoSDK.config, VideoSDK?
const meeting = VideoSDK.initMeeting({ meetingId: 'x', name: 'Ada', micEnabled: true }); // @ VideoSDK.initMeeting, VideoSDK?
meeting.join(); // @ Meeting.join
meeting.on('meeting-joined', () => meeting.localParticipant.on('stream-enabled', stream => show(stream))); // @ Meeting#meeting-joined, Meeting.localParticipant, Participant#stream-enabled
meeting.on('participant-joined', participant => { // @ Meeting#participant-joined
  participant.on('stream-enabled', stream => show(stream)); // @ Participant#stream-enabled
  participant.setQuality('high'); // @ Participant.setQuality
});
meeting.participants.forEach(p => console.log(p.displayName)); // @ Meeting.participants, Participant.displayName
function show(stream) { if (stream.kind === 'video') new MediaStream([stream.track]); } // @ Stream.kind, Stream.track
document.querySelector('#leave').onclick = () => meeting.leave(); // @ Meeting.leave
