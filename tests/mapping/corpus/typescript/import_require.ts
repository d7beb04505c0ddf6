import Video = require('twilio-video'); // @ import
let room: Video.Room | undefined;
export async function open(token: string): Promise<Video.Room> {
  room = await Video.connect(token); // @ connect
  return room;
}
export const close = (): void => { room?.disconnect(); room = undefined; }; // @ Room.disconnect
