// One rectangle: a participant with its camera and microphone, or one more video of somebody.

const LEVELS = ['lost', 'very bad', 'bad', 'fair', 'good', 'very good'];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('role', 'img');
  use.setAttribute('href', `#icon-${name}`);
  svg.append(use);
  return svg;
}

function initials(name) {
  const words = name.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.slice(0, 2).map(word => [...word][0]);
  return letters.join('').toUpperCase() || '?';
}

function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

export class Tile {
  /**
   * @param {string} name who it is
   * @param {{kind?: 'person'|'screen', isLocal?: boolean}} options
   */
  constructor(name, { kind = 'person', isLocal = false, root = element('article') } = {}) {
    this.root = root;
    this.video = null;
    this._element = null;
    this._name = name;
    this._flags = { muted: false, switchedOff: false, away: false };
    this._build(kind, isLocal);
  }

  _build(kind, isLocal) {
    const name = this._name;
    this.root.className = 'tile';
    this.root.dataset.kind = kind;
    this.root.setAttribute('aria-label', name);
    this._avatar = element('div', 'avatar');
    this._avatar.setAttribute('aria-hidden', 'true');
    this._avatar.append(element('span', '', initials(name)));
    this._avatar.style.setProperty('--hue', hue(name));
    this._label = element('div', 'label');
    this._mute = icon('mic-off');
    this._mute.setAttribute('aria-label', 'muted');
    this._mute.setAttribute('hidden', '');
    this._bars = element('span', 'bars');
    this._bars.setAttribute('role', 'img');
    this._bars.hidden = true;
    for (let bar = 0; bar < 5; bar += 1) this._bars.append(element('i'));
    this._label.append(this._mute, element('b', '', isLocal ? `${name} (you)` : name), this._bars);
    this._state = element('div', 'state');
    this._state.hidden = true;
    this.root.replaceChildren(this._avatar, this._label, this._state);
  }

  /** Show a video track; null for the initials. */
  show(track, { isMirrored = false } = {}) {
    if (this._element) {
      this.video?.detach(this._element);
      this._element.remove();
      this._element = null;
    }
    this.video = track;
    if (track) {
      this._element = track.attach();
      this._element.playsInline = true;
      this._element.muted = true;
      this.root.prepend(this._element);
    }
    this.root.classList.toggle('mirrored', isMirrored);
    this.setSwitchedOff(Boolean(track?.isSwitchedOff));
    this.refresh();
  }

  /**
   * Read anew whether the video has a picture.
   *
   * Without one its element is transparent but stays in the layout: the SDK has the server stop
   * a video that no visible element shows.
   */
  refresh() {
    const isOn = Boolean(this.video?.isEnabled) && !this._flags.switchedOff;
    this.root.classList.toggle('pictured', isOn);
  }

  setMuted(isMuted) {
    this._mute.toggleAttribute('hidden', !isMuted);
  }

  /** The server does not send the video for now. */
  setSwitchedOff(isOff) {
    this._flags.switchedOff = isOff;
    this._tell();
    this.refresh();
  }

  setAway(isAway) {
    this._flags.away = isAway;
    this.root.classList.toggle('away', isAway);
    this._tell();
  }

  setSpeaking(isSpeaking) {
    this.root.classList.toggle('speaking', isSpeaking);
    this.root.setAttribute('aria-label', isSpeaking ? `${this._name}, speaking` : this._name);
  }

  /** @param {number|null} level 0 to 5; null is not known */
  setQuality(level) {
    this._bars.hidden = level === null;
    if (level === null) return;
    this._bars.dataset.level = String(level);
    this._bars.setAttribute('aria-label', `network ${LEVELS[level]}, ${level} of 5`);
    this._bars.title = `Network quality ${level} of 5`;
    [...this._bars.children].forEach((bar, index) => bar.classList.toggle('on', index < level));
  }

  remove() {
    this.show(null);
    this.root.remove();
  }

  _tell() {
    const { away, switchedOff } = this._flags;
    const text = away ? 'Reconnecting…' : switchedOff ? 'Video paused to save bandwidth' : '';
    this._state.textContent = text;
    this._state.hidden = !text;
  }
}
