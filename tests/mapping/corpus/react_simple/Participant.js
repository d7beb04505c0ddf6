import React, { useState, useEffect, useRef } from 'react';

const Participant = ({ participant }) => {
  const [videoTracks, setVideoTracks] = useState([]);
  const videoRef = useRef();
  const trackpubsToTracks = trackMap => Array.from(trackMap.values()).map(publication => publication.track).filter(track => track !== null); // @ RemoteVideoTrackPublication.track
  useEffect(() => {
    setVideoTracks(trackpubsToTracks(participant.videoTracks)); // @ RemoteParticipant.videoTracks
    const trackSubscribed = track => { if (track.kind === 'video') setVideoTracks(all => [...all, track]); }; // @ AudioTrack.kind
    participant.on('trackSubscribed', trackSubscribed); // @ RemoteParticipant#trackSubscribed
    participant.on('trackUnsubscribed', () => {}); // @ RemoteParticipant#trackUnsubscribed
    return () => { setVideoTracks([]); participant.removeAllListeners(); }; // @ EventEmitter.removeAllListeners
  }, [participant]);
  useEffect(() => {
    const videoTrack = videoTracks[0];
    if (videoTrack) {
      videoTrack.attach(videoRef.current); // @ MediaTrack.attach
      return () => { videoTrack.detach(); }; // @ MediaTrack.detach
    }
  }, [videoTracks]);
  return <h3>{participant.identity}</h3>; // @ Participant.identity
};
export default Participant;
