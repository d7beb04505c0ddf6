// Puts a picture behind the person before the camera, or blurs what is there.
const Video = require('twilio-video');
const {
  GaussianBlurBackgroundProcessor,
  VirtualBackgroundProcessor,
} = require('@twilio/video-processors');

async function main(token, roomName, picture) {
  const track = await Video.createLocalVideoTrack({ width: 640, height: 360, frameRate: 24 });
  const room = await Video.connect(token, { name: roomName, tracks: [track] });
  const log = (text) => console.log(text);
  const settings = { inputFrameBufferType: 'video', outputFrameBufferContextType: '2d' };

  const processors = {
    blur: new GaussianBlurBackgroundProcessor({ assetsPath: '/assets' }),
    picture: new VirtualBackgroundProcessor({ assetsPath: '/assets', backgroundImage: picture }),
  };

  const choose = async (background) => {
    if (track.processor) {
      track.removeProcessor(track.processor);
    }
    if (background !== 'none') {
      await processors[background].loadModel();
      track.addProcessor(processors[background], settings);
    }
    log(`background: ${background}`);
  };

  document.querySelector('#background').onchange = (event) => choose(event.target.value);
  window.addEventListener('beforeunload', () => room.disconnect());
}
