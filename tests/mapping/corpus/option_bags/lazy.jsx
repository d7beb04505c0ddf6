import React, { useState } from 'react';
export default function Lazy({ token }) {
  const [call, setCall] = useState(null);
  const [people, setPeople] = useState([]);
  const start = async () => {
    const Video = (await import('twilio-video')).default; // @ import
    const joined = await Video.connect(token, token ? { name: 'a' } : {}); // @ connect, ConnectOptions.name
    setCall(joined);
    const add = person => setPeople(all => [...all, person]);
    joined.participants.forEach(add); // @ Room.participants
    joined.on('participantConnected', add); // @ Room#participantConnected
  };
  return <div onClick={call ? () => call.disconnect() : start}>{people.map(each => <p key={each.sid}>{each.identity}</p>)}</div>; // @ Room.disconnect, Participant.sid, Participant.identity
}
