// The user's own microphone, camera and screen, before and during a call.

const { Video } = globalThis.Twilio;
const CAMERA = { width: 1280, height: 720, frameRate: 24, name: 'camera' };
const SCREEN = { audio: false, video: { frameRate: 15 } };

/** Dispatches `change` whenever one of the tracks is another or is muted. */
export class Devices extends EventTarget {
  constructor() {
    super();
    this.audio = null;
    this.video = null;
    this.screen = null;
    this._participant = null;
  }

  /** The tracks to join with. */
  get tracks() {
    return [this.audio, this.video].filter(Boolean);
  }

  isOn(kind) {
    return kind === 'audio' ? Boolean(this.audio?.isEnabled) : Boolean(this[kind]);
  }

  /** Open what there is; a device that cannot be opened is reported and left out. */
  async open(report) {
    for (const kind of ['audio', 'video']) {
      try {
        this[kind] = await this._create(kind);
      } catch (error) {
        report(error);
      }
    }
    this._changed();
  }

  /** From now on changes are published; null: no longer. */
  publishTo(participant) {
    this._participant = participant;
    if (!participant) this._stop('screen');
    this._changed();
  }

  /** Turn audio, video or screen on or off. */
  async toggle(kind) {
    if (kind === 'audio' && this.audio) {
      this.audio.isEnabled ? this.audio.disable() : this.audio.enable();
    } else if (this[kind]) {
      // Off means off: the lamp of the camera goes out.
      this._stop(kind);
    } else {
      await this._start(kind);
    }
    this._changed();
  }

  async _start(kind) {
    const track = await this._create(kind);
    try {
      await this._participant?.publishTrack(track, { priority: kind === 'screen' ? 'high' : 'standard' });
    } catch (error) {
      track.stop();
      throw error;
    }
    this[kind] = track;
  }

  async _create(kind) {
    if (kind === 'audio') return Video.createLocalAudioTrack({ name: 'microphone' });
    if (kind === 'video') return Video.createLocalVideoTrack(CAMERA);
    const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
    const track = new Video.LocalVideoTrack(stream.getVideoTracks()[0], { name: 'screen' });
    // The browser has a button of its own that ends sharing.
    track.once('stopped', () => this.screen === track && this._stop('screen'));
    return track;
  }

  _stop(kind) {
    const track = this[kind];
    if (!track) return;
    this[kind] = null;
    this._participant?.unpublishTrack(track);
    track.stop();
    this._changed();
  }

  _changed() {
    this.dispatchEvent(new Event('change'));
  }
}
