// A Room on the screen: its participants as tiles, following the Room's events.

import { Tile } from '/page/tile.js';

const NOTED = [
  'participantConnected', 'participantDisconnected', 'participantReconnecting',
  'participantReconnected', 'reconnecting', 'reconnected', 'disconnected',
  'dominantSpeakerChanged', 'recordingStarted', 'recordingStopped', 'trackPublished',
  'trackUnpublished', 'trackSubscribed', 'trackUnsubscribed', 'trackSubscriptionFailed',
  'trackEnabled', 'trackDisabled', 'trackSwitchedOff', 'trackSwitchedOn',
];

function described(argument) {
  if (argument === null) return 'nobody';
  if (argument === undefined) return '';
  return argument.identity ?? argument.trackName ?? argument.name ?? argument.code ?? '';
}

export class RoomView {
  /**
   * @param room the SDK's Room
   * @param {import('./devices.js').Devices} devices
   * @param {import('./conversation.js').Conversation} conversation
   */
  constructor(room, devices, conversation) {
    this._room = room;
    this._devices = devices;
    this._conversation = conversation;
    this._tiles = document.getElementById('tiles');
    this._stage = document.getElementById('stage');
    this._sounds = document.getElementById('sounds');
    this._people = new Map();
    this._extra = new Map();
    this._speaking = null;
    this._noteEvents();
    this._showLocal();
    this._listen();
    for (const participant of room.participants.values()) this._add(participant);
    this._speaker(room.dominantSpeaker);
    this._showRecording();
    this._count();
  }

  /** Take everything off the screen. */
  close() {
    this._devices.removeEventListener('change', this._onDevices);
    for (const tile of [...this._people.values(), ...this._extra.values()]) tile.remove();
    for (const sound of [...this._sounds.children]) sound.remove();
    this._tiles.replaceChildren();
    this._stage.replaceChildren();
    this._stage.hidden = true;
  }

  // ------------------------------------------------------------ events

  _noteEvents() {
    for (const name of NOTED) {
      this._room.on(name, (...values) => {
        // A track and its publication have the same name.
        const details = new Set(values.map(described).filter(Boolean));
        this._conversation.note(name, [...details].join(' · '));
      });
    }
  }

  _listen() {
    const room = this._room;
    room.on('participantConnected', participant => this._add(participant));
    room.on('participantDisconnected', participant => this._drop(participant));
    room.on('participantReconnecting', ({ sid }) => this._people.get(sid)?.setAway(true));
    room.on('participantReconnected', ({ sid }) => this._people.get(sid)?.setAway(false));
    room.on('dominantSpeakerChanged', participant => this._speaker(participant));
    room.on('trackSubscribed', (track, publication, participant) => this._attach(track, participant));
    room.on('trackUnsubscribed', (track, publication, participant) => this._detach(track, participant));
    room.on('trackEnabled', (publication, participant) => this._refresh(participant));
    room.on('trackDisabled', (publication, participant) => this._refresh(participant));
    room.on('trackPublished', (publication, participant) => this._refresh(participant));
    room.on('trackUnpublished', (publication, participant) => this._refresh(participant));
    room.on('trackSwitchedOff', track => this._tileOf(track)?.setSwitchedOff(true));
    room.on('trackSwitchedOn', track => this._tileOf(track)?.setSwitchedOff(false));
    room.on('trackMessage', (data, track, participant) => {
      this._conversation.receive(data, participant.identity);
    });
    room.on('recordingStarted', () => this._showRecording());
    room.on('recordingStopped', () => this._showRecording());
  }

  _showRecording() {
    document.getElementById('recording').hidden = !this._room.isRecording;
  }

  _speaker(participant) {
    this._speaking?.setSpeaking(false);
    this._speaking = participant ? this._people.get(participant.sid) ?? null : null;
    this._speaking?.setSpeaking(true);
  }

  // ------------------------------------------------------------ people

  _showLocal() {
    const { localParticipant } = this._room;
    const tile = new Tile(localParticipant.identity, { isLocal: true });
    this._people.set(localParticipant.sid, tile);
    this._tiles.append(tile.root);
    this._onDevices = () => this._showOwn(tile);
    this._devices.addEventListener('change', this._onDevices);
    this._onDevices();
    this._watchQuality(localParticipant, tile);
    localParticipant.on('trackPublicationFailed', error => {
      this._conversation.note('trackPublicationFailed', String(error.code));
    });
  }

  _showOwn(tile) {
    const devices = this._devices;
    if (tile.video !== devices.video) tile.show(devices.video, { isMirrored: true });
    tile.setMuted(!devices.isOn('audio'));
    const shared = this._extra.get('own screen');
    if (shared && shared.video !== devices.screen) {
      shared.remove();
      this._extra.delete('own screen');
    }
    if (devices.screen && !this._extra.has('own screen')) {
      this._addExtra('own screen', `${this._room.localParticipant.identity} · screen`, devices.screen);
    }
    this._arrange();
  }

  _add(participant) {
    if (this._people.has(participant.sid)) return;
    const tile = new Tile(participant.identity);
    this._people.set(participant.sid, tile);
    this._tiles.append(tile.root);
    tile.setAway(participant.state === 'reconnecting');
    this._watchQuality(participant, tile);
    for (const publication of participant.tracks.values()) {
      if (publication.isSubscribed) this._attach(publication.track, participant);
    }
    this._refresh(participant);
    this._count();
  }

  _drop(participant) {
    for (const { track } of participant.tracks.values()) {
      if (track) this._detach(track, participant);
    }
    this._people.get(participant.sid)?.remove();
    this._people.delete(participant.sid);
    this._count();
  }

  _watchQuality(participant, tile) {
    tile.setQuality(participant.networkQualityLevel);
    participant.on('networkQualityLevelChanged', level => tile.setQuality(level));
  }

  /** Muted when there is no audio that is on; the picture goes when its track is disabled. */
  _refresh(participant) {
    const tile = this._people.get(participant.sid);
    if (!tile) return;
    const audios = [...participant.audioTracks.values()];
    tile.setMuted(!audios.some(publication => publication.isTrackEnabled));
    tile.refresh();
    for (const extra of this._extra.values()) extra.refresh();
  }

  _count() {
    const count = this._people.size;
    document.getElementById('people-count').textContent = count === 1 ? '1 person' : `${count} people`;
    document.getElementById('alone').hidden = count > 1;
  }

  // ------------------------------------------------------------ media

  _attach(track, participant) {
    if (track.kind === 'audio') {
      const sound = track.attach();
      sound.dataset.sid = track.sid;
      this._sounds.append(sound);
    } else if (track.kind === 'video') {
      const tile = this._people.get(participant.sid);
      if (track.name === 'screen' || tile?.video) {
        const what = track.name === 'screen' ? 'screen' : 'second video';
        this._addExtra(track.sid, `${participant.identity} · ${what}`, track);
      } else {
        tile?.show(track);
      }
    }
    this._refresh(participant);
  }

  _detach(track, participant) {
    if (track.kind === 'audio') {
      for (const sound of track.detach()) sound.remove();
    } else if (track.kind === 'video') {
      const tile = this._people.get(participant.sid);
      if (tile?.video === track) tile.show(null);
      this._extra.get(track.sid)?.remove();
      this._extra.delete(track.sid);
      this._arrange();
    }
    this._refresh(participant);
  }

  _addExtra(key, name, track) {
    const tile = new Tile(name, { kind: 'screen' });
    tile.show(track);
    this._extra.set(key, tile);
    this._stage.append(tile.root);
    this._arrange();
  }

  _tileOf(track) {
    const tiles = [...this._people.values(), ...this._extra.values()];
    return tiles.find(tile => tile.video === track);
  }

  _arrange() {
    this._stage.hidden = this._extra.size === 0;
  }
}
