'use strict';
// What goes over data channels, for the reports of failed tests: nothing else can show it. The tap
// only listens; the SDK is as it was published.

const tapped = [];
const TAPPED_LIMIT = 500;

function tap(channel, direction, content) {
  tapped.push({ at: Math.round(performance.now()), label: channel.label, direction,
    content: typeof content === 'string' ? content.slice(0, 1000) : '(bytes)' });
  if (tapped.length > TAPPED_LIMIT) {
    tapped.shift();
  }
}

const heardChannels = new WeakSet();
const { addEventListener } = RTCDataChannel.prototype;
const { send } = RTCDataChannel.prototype;

RTCDataChannel.prototype.addEventListener = function(...args) {
  if (!heardChannels.has(this)) {
    heardChannels.add(this);
    addEventListener.call(this, 'message', event => tap(this, '>', event.data));
    addEventListener.call(this, 'close', () => tap(this, 'x', 'closed'));
  }
  return addEventListener.apply(this, args);
};

RTCDataChannel.prototype.send = function(content) {
  tap(this, '<', content);
  return send.call(this, content);
};
