// The page once the SDK is there: lobby, joining, the call, and back to the lobby.

import { Conversation } from '/page/conversation.js';
import { Devices } from '/page/devices.js';
import { explain } from '/page/errors.js';
import { keepFitting } from '/page/layout.js';
import { RoomView } from '/page/room-view.js';
import { Tile } from '/page/tile.js';

const { Video } = globalThis.Twilio;
const byId = id => document.getElementById(id);
const devices = new Devices();
const conversation = new Conversation();
const preview = new Tile('You', { root: byId('preview') });

let room = null;
let view = null;

// The two options that make this page ours instead of Twilio's.
const socket = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
const OPTIONS = {
  wsServer: `${socket}/signaling`,
  wsServerInsights: `${socket}/v1/VideoEvents`,
  dominantSpeaker: true,
  networkQuality: { local: 1, remote: 1 },
  preferredVideoCodecs: 'auto',
  bandwidthProfile: {
    video: {
      mode: 'grid',
      clientTrackSwitchOffControl: 'auto',
      contentPreferencesMode: 'auto',
    },
  },
};

function toast(error) {
  const { title, text, step } = explain(error);
  const box = document.createElement('div');
  box.className = 'toast';
  const heading = document.createElement('strong');
  heading.textContent = title;
  const words = [text, step].filter(Boolean).map(words => {
    const span = document.createElement('span');
    span.textContent = words;
    return span;
  });
  box.append(heading, ...words);
  byId('toasts').append(box);
  setTimeout(() => box.remove(), 10000);
}

function showFailure(error) {
  const box = byId('failure');
  box.hidden = !error;
  if (!error) return;
  const { title, text, step } = explain(error);
  byId('failure-title').textContent = title;
  byId('failure-text').textContent = text;
  byId('failure-step').textContent = step;
}

function showLobby() {
  document.body.dataset.view = 'lobby';
  byId('room-title').hidden = true;
  byId('copy-link').hidden = true;
  byId('banner').hidden = true;
  byId('identity').focus();
}

function showRoom() {
  document.body.dataset.view = 'room';
  byId('room-name').textContent = room.name;
  byId('room-title').hidden = false;
  byId('copy-link').hidden = false;
  const name = /^[\w.-]+$/.test(room.name) ? room.name : `'${room.name.replaceAll("'", "'\\''")}'`;
  byId('alone-command').textContent = `twilio-compat join ${name} --video pattern --audio tone`;
  byId('leave').focus();
}

function showDevices() {
  for (const button of document.querySelectorAll('[data-toggle]')) {
    const kind = button.dataset.toggle;
    const isOn = devices.isOn(kind);
    const names = { audio: 'mic', video: 'camera', screen: 'screen' };
    const suffix = isOn || kind === 'screen' ? '' : '-off';
    button.setAttribute('aria-pressed', String(isOn));
    button.querySelector('use').setAttribute('href', `#icon-${names[kind]}${suffix}`);
  }
  if (preview.video !== (room ? null : devices.video)) {
    preview.show(room ? null : devices.video, { isMirrored: true });
  }
  preview.setMuted(!devices.isOn('audio'));
}

async function fetchToken(identity, roomName) {
  const answer = await fetch('/dev/token', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ identity, room: roomName }),
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error);
  return body.token;
}

async function join(identity, roomName) {
  const chat = new Video.LocalDataTrack({ name: 'chat' });
  const token = await fetchToken(identity, roomName);
  const joinedWith = devices.tracks;
  room = await Video.connect(token, { ...OPTIONS, name: roomName, tracks: [...joinedWith, chat] });
  // For the browser's console.
  globalThis.room = room;
  conversation.begin(chat, identity);
  conversation.note('connected', `${room.name} ${room.sid}`);
  devices.publishTo(room.localParticipant, { joinedWith, report: toast });
  view = new RoomView(room, devices, conversation);
  room.on('reconnecting', error => showBanner(`Reconnecting… (${error.code} ${error.message})`));
  room.on('reconnected', () => showBanner(''));
  room.on('disconnected', (_, error) => leave(error));
  room.on('trackSubscriptionFailed', error => toast(error));
  room.localParticipant.on('trackPublicationFailed', error => toast(error));
  showRoom();
}

function showBanner(text) {
  byId('banner').textContent = text;
  byId('banner').hidden = !text;
}

function leave(error) {
  view?.close();
  view = null;
  room = null;
  devices.publishTo(null);
  showFailure(error);
  showLobby();
}

function listen() {
  byId('join').addEventListener('submit', async event => {
    event.preventDefault();
    const identity = byId('identity').value.trim();
    const roomName = byId('room-input').value.trim();
    const button = byId('join-button');
    button.disabled = true;
    button.textContent = 'Joining…';
    showFailure(null);
    try {
      await join(identity, roomName);
      history.replaceState(null, '', `?room=${encodeURIComponent(roomName)}`);
    } catch (error) {
      showFailure(error);
    } finally {
      button.disabled = false;
      button.textContent = 'Join';
    }
  });
  for (const button of document.querySelectorAll('[data-toggle]')) {
    button.addEventListener('click', async () => {
      button.disabled = true;
      try {
        await devices.toggle(button.dataset.toggle);
      } catch (error) {
        toast(error);
      } finally {
        button.disabled = false;
      }
    });
  }
  byId('leave').addEventListener('click', () => room?.disconnect());
  byId('copy-link').addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      byId('copy-link').querySelector('span').textContent = 'Copied';
    } catch (error) {
      toast(error);
    }
  });
  devices.addEventListener('change', showDevices);
  // Without this the others see a participant that reconnects until its session ends.
  globalThis.addEventListener('pagehide', () => room?.disconnect());
}

/** Show the lobby and take it from there. */
export async function begin({ version }) {
  const asked = new URLSearchParams(location.search);
  byId('identity').value = asked.get('name') ?? `guest-${100 + Math.floor(Math.random() * 900)}`;
  byId('room-input').value = asked.get('room') ?? 'daily';
  byId('sdk-version').textContent = `twilio-video ${version || Video.version} from npm, unmodified.`;
  keepFitting(byId('tiles'));
  listen();
  showLobby();
  showDevices();
  await devices.open(toast);
}
