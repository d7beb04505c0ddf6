'use strict';
// Media that can be recognized after any encoder: a canvas of one color with a barcode that counts
// its frames, and a sine. Python reads both with acs_core.media.patterns, which defines the barcode.

const CELLS = 24;
const STRIP = 6;

class CanvasCamera {
  constructor({ color, width = 320, height = 240, rate = 15 }) {
    this._canvas = document.createElement('canvas');
    this._canvas.width = width;
    this._canvas.height = height;
    this._color = `rgb(${color.join(',')})`;
    this._context = this._canvas.getContext('2d', { alpha: false });
    this._number = 0;
    this._draw();
    this.mediaStreamTrack = this._canvas.captureStream(rate).getVideoTracks()[0];
    this._timer = setInterval(() => this._draw(), 1000 / rate);
    this.mediaStreamTrack.addEventListener('ended', () => this.close());
  }

  close() {
    clearInterval(this._timer);
  }

  _draw() {
    const { width, height } = this._canvas;
    const strip = Math.floor(height / STRIP);
    const block = Math.max(8, Math.floor(height / 8));
    const span = width - block;
    const phase = (this._number * Math.max(2, Math.floor(width / 80))) % (2 * span);
    this._context.fillStyle = this._color;
    this._context.fillRect(0, 0, width, height - strip);
    this._context.fillStyle = '#fff';
    this._context.fillRect(phase < span ? phase : 2 * span - phase,
      Math.floor((height - strip - block) / 2), block, block);
    this._drawBarcode(height - strip, strip);
    this._number = (this._number + 1) % 65536;
  }

  _drawBarcode(top, height) {
    const n = this._number;
    const check = (n ^ (n >> 4) ^ (n >> 8) ^ (n >> 12) ^ 0b1010) & 15;
    const word = (0b10 << 22) | (n << 6) | (check << 2) | 0b01;
    for (let cell = 0; cell < CELLS; cell++) {
      const left = Math.round(this._canvas.width * cell / CELLS);
      const right = Math.round(this._canvas.width * (cell + 1) / CELLS);
      this._context.fillStyle = (word >> (CELLS - 1 - cell)) & 1 ? '#fff' : '#000';
      this._context.fillRect(left, top, right - left, height);
    }
  }
}

class ToneMicrophone {
  constructor({ frequency, gain = 0.3 }) {
    const context = sharedAudioContext();
    this._oscillator = new OscillatorNode(context, { frequency });
    this._gain = new GainNode(context, { gain });
    const destination = new MediaStreamAudioDestinationNode(context);
    this._oscillator.connect(this._gain).connect(destination);
    this._oscillator.start();
    this.mediaStreamTrack = destination.stream.getAudioTracks()[0];
    this.mediaStreamTrack.addEventListener('ended', () => this.close());
  }

  setGain(gain) {
    this._gain.gain.value = gain;
  }

  close() {
    this._oscillator.stop();
  }
}

let audioContext = null;

function sharedAudioContext() {
  audioContext = audioContext || new AudioContext({ sampleRate: 48000 });
  return audioContext;
}
