'use strict';
// One participant of a scenario, made with the vendor's unmodified client. Python calls `perform`
// with a method's name and its argument, and provides `hear(event, args)`; both speak the words of
// mapping/compare/vocabulary.py.

class Participant {
  constructor() {
    this.room = null;
    this._tracks = new Map();
    this._ears = new Map();
  }

  // ------------------------------------------------------------ deeds

  async join({ token, tracks, options, events }) {
    const made = tracks.map(media => this._make(media));
    this.room = await Twilio.Video.connect(token, { ...options, tracks: made });
    for (const event of events) {
      this.room.on(event, (...args) => hear(event, args.map(describe)));
    }
    // What is subscribed to already is heard at once, as programs handle it.
    for (const participant of this.room.participants.values()) {
      for (const publication of participant.tracks.values()) {
        if (publication.track) {
          hear('trackSubscribed', [publication.track, publication, participant].map(describe));
        }
      }
    }
    return describe(this.room);
  }

  leave() {
    this.room.disconnect();
  }

  async publish(media) {
    return describe(await this.room.localParticipant.publishTrack(this._make(media)));
  }

  unpublish({ name }) {
    return describe(this.room.localParticipant.unpublishTrack(this._track(name)));
  }

  enable({ name, isEnabled }) {
    this._track(name).enable(isEnabled);
  }

  prioritize({ name, priority }) {
    this._publication(name).setPriority(priority);
  }

  send({ name, text, bytes }) {
    this._track(name).send(bytes ? new Uint8Array(bytes).buffer : text);
  }

  // ------------------------------------------------------------ looking

  roster() {
    return [...this.room.participants.values()].map(participant => ({
      identity: participant.identity,
      tracks: [...participant.tracks.values()].map(publication => ({
        kind: publication.kind,
        name: publication.trackName,
        enabled: publication.isTrackEnabled,
        subscribed: publication.isSubscribed,
      })),
    }));
  }

  state() {
    return this.room.state;
  }

  picture({ identity, name }) {
    const track = this._received('video', identity, name);
    if (!track) {
      return null;
    }
    let element = document.querySelector(`[data-sid="${track.sid}"]`);
    if (!element) {
      element = track.attach();
      element.dataset.sid = track.sid;
      document.getElementById('stage').append(element);
    }
    return readPicture(element);
  }

  sound({ identity, name }) {
    const track = this._received('audio', identity, name);
    if (!track || !track.mediaStreamTrack) {
      return null;
    }
    let ear = this._ears.get(track.sid);
    if (!ear || ear.mediaStreamTrack !== track.mediaStreamTrack) {
      // Chromium decodes remote sound only while an element plays it.
      track.attach();
      ear = new Ear(track.mediaStreamTrack);
      this._ears.set(track.sid, ear);
    }
    return ear.read();
  }

  // ------------------------------------------------------------ inside

  _make({ kind, name, color, tone }) {
    let track;
    if (kind === 'data') {
      track = new Twilio.Video.LocalDataTrack({ name });
    } else if (kind === 'video') {
      const { mediaStreamTrack } = new CanvasCamera({ color, width: 160, height: 96 });
      track = new Twilio.Video.LocalVideoTrack(mediaStreamTrack, { name, logLevel: 'off' });
    } else {
      const { mediaStreamTrack } = new ToneMicrophone({ frequency: tone });
      track = new Twilio.Video.LocalAudioTrack(mediaStreamTrack, { name, logLevel: 'off' });
    }
    this._tracks.set(name, track);
    return track;
  }

  _track(name) {
    const track = this._tracks.get(name);
    if (!track) {
      throw new Error(`there is no track ${name}`);
    }
    return track;
  }

  _publication(name) {
    const all = [...this.room.localParticipant.tracks.values()];
    return all.find(publication => publication.trackName === name);
  }

  _received(kind, identity, name) {
    for (const participant of this.room.participants.values()) {
      for (const publication of participant.tracks.values()) {
        const isIt = publication.kind === kind && (!name || publication.trackName === name);
        if (participant.identity === identity && isIt && publication.track) {
          return publication.track;
        }
      }
    }
    return null;
  }
}

function describe(value) {
  if (value === null || value === undefined || typeof value !== 'object') {
    return value === undefined ? null : value;
  }
  if (value instanceof Error) {
    return { is: 'error', code: value.code === undefined ? null : value.code,
      message: value.message };
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = [...new Uint8Array(value.buffer || value)];
    return { is: 'bytes', hex: bytes.map(one => one.toString(16).padStart(2, '0')).join('') };
  }
  if (typeof value.identity === 'string' && value.tracks) {
    return { is: 'participant', identity: value.identity, sid: value.sid };
  }
  if (typeof value.trackName === 'string') {
    return { is: 'publication', kind: value.kind, name: value.trackName, sid: value.trackSid };
  }
  if (typeof value.kind === 'string' && typeof value.name === 'string') {
    return { is: 'track', kind: value.kind, name: value.name, sid: value.sid };
  }
  if (value.localParticipant) {
    return { is: 'room', name: value.name, sid: value.sid };
  }
  return JSON.parse(JSON.stringify(value));
}

const participant = new Participant();

// Calls a method; its outcome is {value} or {error: {code, message}}.
async function perform({ method, argument }) {
  try {
    const value = await participant[method](argument);
    return { value: value === undefined ? null : value };
  } catch (error) {
    return { error: { code: typeof error.code === 'number' ? error.code : null,
      message: String(error.message || error) } };
  }
}
