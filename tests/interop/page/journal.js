'use strict';
// Every event of the SDK's objects, in the order in which an application hears them.
//
// An entry is {index, emitter, event, args, at}: arguments that are objects of the SDK are written
// as short texts ("participant:bob", "track:video:camera"), so that they survive the way to Python.

const TRACK_EVENTS = [
  'trackDimensionsChanged', 'trackDisabled', 'trackEnabled', 'trackMessage', 'trackPublished',
  'trackPublishPriorityChanged', 'trackStarted', 'trackSubscribed', 'trackSubscriptionFailed',
  'trackSwitchedOff', 'trackSwitchedOn', 'trackUnpublished', 'trackUnsubscribed',
];
const EVENTS = {
  room: [
    'disconnected', 'dominantSpeakerChanged', 'participantConnected', 'participantDisconnected',
    'participantReconnected', 'participantReconnecting', 'reconnected', 'reconnecting',
    'recordingStarted', 'recordingStopped', 'transcription', ...TRACK_EVENTS,
  ],
  remoteParticipant: [
    'connected', 'disconnected', 'networkQualityLevelChanged', 'reconnected', 'reconnecting',
    ...TRACK_EVENTS,
  ],
  localParticipant: [
    'connected', 'disconnected', 'networkQualityLevelChanged', 'reconnected', 'reconnecting',
    'trackDimensionsChanged', 'trackDisabled', 'trackEnabled', 'trackPublicationFailed',
    'trackPublished', 'trackStarted', 'trackStopped', 'trackWarning', 'trackWarningsCleared',
  ],
  remotePublication: [
    'publishPriorityChanged', 'subscribed', 'subscriptionFailed', 'trackDisabled', 'trackEnabled',
    'trackSwitchedOff', 'trackSwitchedOn', 'unsubscribed',
  ],
  localPublication: ['trackDisabled', 'trackEnabled', 'warning', 'warningsCleared'],
  remoteTrack: [
    'dimensionsChanged', 'disabled', 'enabled', 'message', 'started', 'switchedOff', 'switchedOn',
  ],
};

class Journal {
  constructor() {
    this.entries = [];
    this._waiting = new Set();
    this._watched = new WeakSet();
  }

  write(emitter, event, args) {
    const entry = {
      index: this.entries.length, emitter, event, args: args.map(describe),
      at: Math.round(performance.now()),
    };
    this.entries.push(entry);
    for (const waiting of [...this._waiting]) {
      if (matches(entry, waiting.wanted)) {
        this._waiting.delete(waiting);
        waiting.resolve(entry);
      }
    }
  }

  // The first entry from index `since` on of this emitter and event that has all these arguments.
  next(wanted, milliseconds) {
    const found = this.entries.find(entry => matches(entry, wanted));
    if (found) {
      return Promise.resolve(found);
    }
    return new Promise((resolve, reject) => {
      const waiting = { wanted, resolve };
      this._waiting.add(waiting);
      setTimeout(() => {
        if (this._waiting.delete(waiting)) {
          reject(new Error(`no ${wanted.event} of ${wanted.emitter} within ${milliseconds} ms`));
        }
      }, milliseconds);
    });
  }

  watch(name, kind, emitter) {
    if (this._watched.has(emitter)) {
      return;
    }
    this._watched.add(emitter);
    for (const event of EVENTS[kind]) {
      emitter.on(event, (...args) => this.write(name, event, args));
    }
  }
}

function matches(entry, wanted) {
  return entry.index >= wanted.since && entry.event === wanted.event
    && (wanted.emitter === null || entry.emitter === wanted.emitter)
    && wanted.args.every(arg => entry.args.some(item => covers(item, arg)));
}

// Whether a value is the wanted one; of objects only the wanted keys are compared.
function covers(value, wanted) {
  if (wanted === null || typeof wanted !== 'object') {
    return value === wanted;
  }
  return value !== null && typeof value === 'object'
    && Object.keys(wanted).every(key => covers(value[key], wanted[key]));
}

function describe(value) {
  if (value === null || value === undefined || typeof value !== 'object') {
    return value === undefined ? null : value;
  }
  if (value instanceof Error) {
    return { error: value.name, code: value.code === undefined ? null : value.code,
      message: value.message };
  }
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return { bytes: Array.from(new Uint8Array(value.buffer || value)) };
  }
  if (typeof value.identity === 'string' && value.tracks) {
    return `participant:${value.identity}`;
  }
  if (typeof value.trackName === 'string') {
    return `publication:${value.kind}:${value.trackName}`;
  }
  if (typeof value.kind === 'string' && typeof value.name === 'string') {
    return `track:${value.kind}:${value.name}`;
  }
  if (value.localParticipant) {
    return `room:${value.name}`;
  }
  return JSON.parse(JSON.stringify(value));
}
