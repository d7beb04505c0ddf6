import React from 'react';
import { MeetingProvider, useMeeting } from '@videosdk.live/react-sdk'; // @ import
function View() {
  const { join, participants } = useMeeting({ onMeetingJoined: () => {} }); // @ useMeeting, useMeeting.join, useMeeting.participants, useMeeting.onMeetingJoined
  return <button onClick={join}>{[...participants.keys()].length}</button>;
}
export default () => <MeetingProvider config={{ meetingId: 'x' }} token="t"><View /></MeetingProvider>; // @ MeetingProvider, MeetingProvider
