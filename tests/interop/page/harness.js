'use strict';
// One participant in this page: what Python calls through Playwright.

class Harness {
  constructor() {
    this.journal = new Journal();
    this.room = null;
    this.sources = new Map();
    this.attachesTracks = true;
    this._ears = new Map();
  }

  // ------------------------------------------------------------ local media

  // {kind, name, ...}: video with color, width, height, rate; audio with frequency; data with the
  // options of LocalDataTrack. `publish` holds options of publishTrack.
  makeTrack({ kind, name, logLevel, ...options }) {
    if (kind === 'data') {
      return new Twilio.Video.LocalDataTrack({ name, ...options });
    }
    const source = kind === 'video' ? new CanvasCamera(options) : new ToneMicrophone(options);
    this.sources.set(name, source);
    const make = kind === 'video' ? Twilio.Video.LocalVideoTrack : Twilio.Video.LocalAudioTrack;
    return new make(source.mediaStreamTrack, { name, logLevel: 'off' });
  }

  // ------------------------------------------------------------ the room

  async connect({ token, media, options, attach }) {
    this.attachesTracks = attach;
    if (media) {
      options = { ...options, tracks: media.map(item => this.makeTrack(item)) };
    }
    const room = await Twilio.Video.connect(token, options);
    this.room = room;
    this.journal.watch('room', 'room', room);
    this.journal.watch('local', 'localParticipant', room.localParticipant);
    for (const publication of room.localParticipant.tracks.values()) {
      this.watchLocal(publication);
    }
    room.localParticipant.on('trackPublished', publication => this.watchLocal(publication));
    room.participants.forEach(participant => this._watchParticipant(participant));
    room.on('participantConnected', participant => this._watchParticipant(participant));
    return { sid: room.sid, name: room.name, state: room.state, region: room.mediaRegion,
      participant: room.localParticipant.sid, identity: room.localParticipant.identity };
  }

  watchLocal(publication) {
    this.journal.watch(`local/${describe(publication)}`, 'localPublication', publication);
  }

  _watchParticipant(participant) {
    this.journal.watch(describe(participant), 'remoteParticipant', participant);
    participant.tracks.forEach(publication => this._watchRemote(participant, publication));
    participant.on('trackPublished', publication => this._watchRemote(participant, publication));
    participant.on('trackSubscribed', track => this._watchTrack(participant, track));
    participant.on('trackUnsubscribed', track => this._forget(participant, track));
  }

  _watchRemote(participant, publication) {
    const name = `${participant.identity}/${describe(publication)}`;
    this.journal.watch(name, 'remotePublication', publication);
    if (publication.track) {
      this._watchTrack(participant, publication.track);
    }
  }

  _watchTrack(participant, track) {
    this.journal.watch(`${participant.identity}/${describe(track)}`, 'remoteTrack', track);
    if (this.attachesTracks && track.kind !== 'data') {
      this.show(participant.identity, track.name, {});
    }
  }

  _forget(participant, track) {
    this._elements(participant.identity, track.name).forEach(element => element.remove());
    const ear = this._ears.get(track.sid);
    if (ear) {
      ear.close();
      this._ears.delete(track.sid);
    }
  }

  // ------------------------------------------------------------ what is heard and seen

  participant(identity) {
    for (const participant of this.room.participants.values()) {
      if (participant.identity === identity) {
        return participant;
      }
    }
    throw new Error(`there is no ${identity} in the room`);
  }

  // A remote publication; the first of its kind when the name is null.
  publication(identity, kind, name) {
    for (const publication of this.participant(identity).tracks.values()) {
      if (publication.kind === kind && (name === null || publication.trackName === name)) {
        return publication;
      }
    }
    throw new Error(`${identity} has no ${kind} publication ${name || ''}`);
  }

  show(identity, name, { width, height }) {
    for (const publication of this.participant(identity).tracks.values()) {
      const track = publication.track;
      if (track && publication.trackName === name) {
        const element = track.attach();
        element.dataset.of = `${identity}/${name}`;
        element.style.width = `${width || 160}px`;
        element.style.height = `${height || 120}px`;
        document.getElementById('stage').append(element);
      }
    }
  }

  hide(identity, name) {
    for (const element of this._elements(identity, name)) {
      this.publicationOf(identity, name).track.detach(element);
      element.remove();
    }
  }

  publicationOf(identity, name) {
    for (const publication of this.participant(identity).tracks.values()) {
      if (publication.trackName === name) {
        return publication;
      }
    }
    throw new Error(`${identity} has no publication ${name}`);
  }

  _elements(identity, name) {
    return [...document.querySelectorAll(`[data-of="${CSS.escape(`${identity}/${name}`)}"]`)];
  }

  picture(identity, name) {
    const publication = this.publication(identity, 'video', name);
    return readPicture(this._elements(identity, publication.trackName)[0]);
  }

  framesShown(identity, name) {
    const publication = this.publication(identity, 'video', name);
    const video = this._elements(identity, publication.trackName)[0];
    return video ? video.getVideoPlaybackQuality().totalVideoFrames : 0;
  }

  sound(identity, name) {
    const { track } = this.publication(identity, 'audio', name);
    if (!track || !track.mediaStreamTrack) {
      return null;
    }
    let ear = this._ears.get(track.sid);
    if (!ear || ear.mediaStreamTrack !== track.mediaStreamTrack) {
      ear = new Ear(track.mediaStreamTrack);
      this._ears.set(track.sid, ear);
    }
    return ear.read();
  }

  // ------------------------------------------------------------ the way to Python

  // Runs a function of (room, harness, argument) and tells its outcome in a form that has errors.
  async call(body, argument) {
    try {
      return { value: describe(await body(this.room, this, argument)) };
    } catch (error) {
      return describe(error);
    }
  }
}

window.harness = new Harness();
