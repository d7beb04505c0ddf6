async function main() {
  try {
    await Twilio.Video.connect('no token', { name: 'daily', audio: false, video: false });
  } catch (error) {
    console.log(error.code, error.name);
  }
}
