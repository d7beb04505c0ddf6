'use strict';
// What arrives: pictures and samples of remote tracks, as raw numbers for Python to judge.

const PICTURE_WIDTH = 192;
const SAMPLES = 16384;

function toBase64(bytes) {
  let text = '';
  for (let start = 0; start < bytes.length; start += 32768) {
    text += String.fromCharCode(...bytes.subarray(start, start + 32768));
  }
  return btoa(text);
}

// The picture that a <video> shows now, scaled: {width, height, rgb}; null while it has none.
function readPicture(video) {
  if (!video || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !video.videoWidth) {
    return null;
  }
  const width = Math.min(PICTURE_WIDTH, video.videoWidth);
  const height = Math.round(width * video.videoHeight / video.videoWidth);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(video, 0, 0, width, height);
  const rgba = context.getImageData(0, 0, width, height).data;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from];
    rgb[to + 1] = rgba[from + 1];
    rgb[to + 2] = rgba[from + 2];
  }
  return { width, height, rgb: toBase64(rgb),
    videoWidth: video.videoWidth, videoHeight: video.videoHeight };
}

class Ear {
  constructor(mediaStreamTrack) {
    const context = sharedAudioContext();
    this._source = context.createMediaStreamSource(new MediaStream([mediaStreamTrack]));
    this._analyser = new AnalyserNode(context, { fftSize: SAMPLES });
    this._source.connect(this._analyser);
    this.mediaStreamTrack = mediaStreamTrack;
  }

  // The last third of a second: {rate, pcm} of 16-bit samples.
  read() {
    const samples = new Float32Array(SAMPLES);
    this._analyser.getFloatTimeDomainData(samples);
    const pcm = Int16Array.from(samples, value => Math.max(-1, Math.min(1, value)) * 32767);
    return { rate: this._analyser.context.sampleRate, pcm: toBase64(new Uint8Array(pcm.buffer)) };
  }

  close() {
    this._source.disconnect();
  }
}
