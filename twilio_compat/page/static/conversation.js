// The side panel: the chat, which is a data track of each participant, and the room's events.

const MOST = 500;

function line(list, ...parts) {
  const item = document.createElement('li');
  item.append(...parts);
  const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 8;
  list.append(item);
  if (list.children.length > MOST) list.firstElementChild.remove();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
  return item;
}

function made(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

export class Conversation {
  constructor() {
    this._messages = document.getElementById('messages');
    this._happenings = document.getElementById('happenings');
    this._input = document.getElementById('message');
    this._side = document.getElementById('room');
    this._button = document.getElementById('side-button');
    this._unread = document.getElementById('unread');
    this._tabs = [...document.querySelectorAll('[role="tab"]')];
    this._track = null;
    this._identity = '';
    this._listen();
    this.setOpen(globalThis.innerWidth > 760);
  }

  /** Begin with nothing said, and speak through a data track. */
  begin(track, identity) {
    this._track = track;
    this._identity = identity;
    this._messages.replaceChildren();
    this._happenings.replaceChildren();
    line(this._messages, 'Messages go to everybody who is here, over a LocalDataTrack.').className = 'empty';
  }

  /** What somebody sent on whatever data track. */
  receive(data, identity) {
    const text = typeof data === 'string' ? data : `(${data.byteLength ?? data.size} bytes)`;
    line(this._messages, made('b', identity), text);
    if (!this._isChatVisible()) this._unread.hidden = false;
  }

  /** Note an event of the room. */
  note(name, detail = '') {
    const now = new Date();
    const time = made('time', now.toTimeString().slice(0, 8));
    line(this._happenings, time, made('span', detail ? `${name} ${detail}` : name));
  }

  setOpen(isOpen) {
    this._side.classList.toggle('with-side', isOpen);
    this._button.setAttribute('aria-expanded', String(isOpen));
    if (this._isChatVisible()) this._unread.hidden = true;
  }

  _isChatVisible() {
    return this._side.classList.contains('with-side') && !document.getElementById('chat').hidden;
  }

  _listen() {
    document.getElementById('compose').addEventListener('submit', event => {
      event.preventDefault();
      const text = this._input.value.trim();
      if (!text || !this._track) return;
      this._track.send(text);
      line(this._messages, made('b', `${this._identity} (you)`), text).className = 'mine';
      this._messages.scrollTop = this._messages.scrollHeight;
      this._input.value = '';
    });
    this._button.addEventListener('click', () => {
      this.setOpen(!this._side.classList.contains('with-side'));
    });
    for (const tab of this._tabs) {
      tab.addEventListener('click', () => this._select(tab));
      tab.addEventListener('keydown', event => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        const other = this._tabs[(this._tabs.indexOf(tab) + 1) % this._tabs.length];
        this._select(other);
        other.focus();
      });
    }
  }

  _select(chosen) {
    for (const tab of this._tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !isChosen;
    }
    if (this._isChatVisible()) this._unread.hidden = true;
  }
}
