import React, { useState, useEffect } from 'react';
import Video from 'twilio-video'; // @ import
import Participant from './Participant';

const Room = ({ roomName, token, handleLogout }) => {
  const [room, setRoom] = useState(null);
  const [participants, setParticipants] = useState([]);
  useEffect(() => {
    const participantConnected = participant => setParticipants(prev => [...prev, participant]);
    const participantDisconnected = participant => setParticipants(prev => prev.filter(p => p !== participant));
    Video.connect(token, { name: roomName }).then(room => { // @ connect, ConnectOptions.name
      setRoom(room);
      room.on('participantConnected', participantConnected); // @ Room#participantConnected
      room.on('participantDisconnected', participantDisconnected); // @ Room#participantDisconnected
      room.participants.forEach(participantConnected); // @ Room.participants
    });
    return () => {
      setRoom(currentRoom => {
        if (currentRoom && currentRoom.localParticipant.state === 'connected') { // @ Room.localParticipant, Participant.state
          currentRoom.localParticipant.tracks.forEach(function (trackPublication) { // @ Room.localParticipant, LocalParticipant.tracks
            trackPublication.track.stop(); // @ LocalTrackPublication.track, LocalAudioTrack.stop
          });
          currentRoom.disconnect(); // @ Room.disconnect
          return null;
        }
        return currentRoom;
      });
    };
  }, [roomName, token]);
  return <div>{room ? <Participant key={room.localParticipant.sid} participant={room.localParticipant} /> : ''}</div>; // @ Room.localParticipant, Participant.sid, Room.localParticipant
};
export default Room;
