import React, { useEffect, useRef } from 'react';
import { IVideoTrack } from './types';
import { LocalTrackPublication, RemoteTrackPublication, Track } from 'twilio-video'; // @ import

interface Props { publication: LocalTrackPublication | RemoteTrackPublication; priority: Track.Priority; muted?: boolean }

export default function Publication({ publication, priority }: Props) {
  const ref = useRef<HTMLVideoElement>(null!);
  const track = publication.track as IVideoTrack; // @ LocalTrackPublication.track
  useEffect(() => {
    publication.on('subscribed', t => t.attach(ref.current)); // @ RemoteTrackPublication#subscribed, MediaTrack.attach
    publication.on('unsubscribed', t => t.detach()); // @ RemoteTrackPublication#unsubscribed, MediaTrack.detach
    return () => { publication.removeAllListeners('subscribed'); };  // @ RemoteTrackPublication#subscribed
  }, [publication]);
  return <video ref={ref} data-name={publication.trackName} data-kind={track.kind} data-priority={priority} />; // @ TrackPublication.trackName, AudioTrack.kind
}
