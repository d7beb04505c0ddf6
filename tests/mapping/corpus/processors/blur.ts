import { GaussianBlurBackgroundProcessor, isSupported } from '@twilio/video-processors'; // @ import
import { createLocalVideoTrack } from 'twilio-video'; // @ import
export async function blurred() {
  const track = await createLocalVideoTrack({ width: 640, height: 480 }); // @ createLocalVideoTrack
  const blur = new GaussianBlurBackgroundProcessor({ assetsPath: '/assets', maskBlurRadius: 5 }); // @ GaussianBlurBackgroundProcessor, BackgroundProcessorOptions.assetsPath, BackgroundProcessorOptions.maskBlurRadius
  await blur.loadModel(); // @ BackgroundProcessor.loadModel
  track.addProcessor(blur, { inputFrameBufferType: 'video' }); // @ VideoTrack.addProcessor, AddProcessorOptions.inputFrameBufferType
  return track;
}
