// The user's own microphone, camera and screen, before and during a call.

const { Video } = globalThis.Twilio;
const CAMERA = { width: 1280, height: 720, frameRate: 24, name: 'camera' };
const KINDS = ['audio', 'video', 'screen'];
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

  /**
   * Open what there is; a device that cannot be opened is reported and left out.
   *
   * Who joins before a slow camera is open is seen as soon as it is.
   */
  async open(report) {
    for (const kind of ['audio', 'video']) {
      try {
        await this._start(kind);
      } catch (error) {
        report(error);
      }
      this._changed();
    }
  }

  /**
   * Publish changes from now on; null: no longer.
   *
   * Devices may have been turned on and off while the participant was joining.
   *
   * @param participant the LocalParticipant
   * @param {{joinedWith?: Array, report?: (error: Error) => void}} options the `tracks` that it
   *   joined with, and who hears why one could not be published
   */
  publishTo(participant, { joinedWith = [], report } = {}) {
    this._participant = participant;
    if (!participant) this._stop('screen');
    const own = KINDS.filter(kind => this[kind]);
    for (const track of joinedWith) {
      if (!own.some(kind => this[kind] === track)) participant.unpublishTrack(track);
    }
    for (const kind of own) {
      if (!joinedWith.includes(this[kind])) this._publish(kind, this[kind]).catch(report);
    }
    this._changed();
  }

  async _publish(kind, track) {
    await this._participant?.publishTrack(track, { priority: kind === 'screen' ? 'high' : 'standard' });
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
    if (this[kind]) {
      // It was asked for twice while it was opening.
      track.stop();
      return;
    }
    this[kind] = track;
    try {
      await this._publish(kind, track);
    } catch (error) {
      if (this[kind] === track) this[kind] = null;
      track.stop();
      throw error;
    }
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
