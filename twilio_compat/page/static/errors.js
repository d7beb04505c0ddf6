// What went wrong, in three parts that a person can use: a title with the code, what happened, and
// what to do. The advice for Twilio's codes comes from the server, which has the one list.

const BROWSER = {
  NotAllowedError: 'Allow the camera and the microphone for this page in the address bar.',
  NotFoundError: 'Connect a camera or a microphone; you can also join without.',
  NotReadableError: 'Another program uses the device: close it and try again.',
  OverconstrainedError: 'The device cannot do what was asked; choose another one.',
};

let advice = {};

/** Remember what to do about each of Twilio's codes. */
export function setAdvice(byCode) {
  advice = byCode;
}

/** Turn anything that was thrown into {title, text, step}. */
export function explain(error) {
  const code = error?.code;
  if (Number.isInteger(code) && code > 1000) {
    const text = error.explanation || error.message || '';
    return { title: `Error ${code}`, text, step: advice[code] ?? '' };
  }
  const name = error?.name && error.name !== 'Error' ? error.name : 'It did not work';
  return { title: name, text: error?.message ?? String(error), step: BROWSER[name] ?? '' };
}
