// The entry: is the SDK there? Then load it and begin; else say how to get it.

import { setAdvice } from '/page/errors.js';

function load(source) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${source} cannot be loaded.`));
    document.head.append(script);
  });
}

async function start() {
  const answer = await fetch('/dev/page');
  const { sdk, advice } = await answer.json();
  setAdvice(advice);
  if (!sdk) {
    document.body.dataset.view = 'missing';
    return;
  }
  await load('/page/sdk.js');
  // Only now: its modules need the SDK when they are loaded.
  const { begin } = await import('/page/call.js');
  await begin(sdk);
}

document.getElementById('look-again').addEventListener('click', () => location.reload());
start();
