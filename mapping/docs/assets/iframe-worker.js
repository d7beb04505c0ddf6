// Browsers start no worker for a page that was opened from a disk. The search runs in one, so here a
// frame takes its place: same messages, same script. Pages that come from a server have workers.
if (location.protocol === 'file:') {
  window.Worker = class FrameWorker extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement('iframe');
      frame.hidden = true;
      frame.srcdoc = '<!doctype html><title>search</title>';
      this.started = new Promise((resolve, reject) => {
        frame.addEventListener('load', () => {
          const inside = frame.contentWindow;
          inside.postMessage = (data) => this.dispatchEvent(new MessageEvent('message', { data }));
          const script = inside.document.createElement('script');
          script.addEventListener('load', () => resolve(inside));
          script.addEventListener('error', () => reject(new Error(`${url} cannot be read`)));
          script.src = url;
          inside.document.body.append(script);
        }, { once: true });
      });
      document.body.append(frame);
    }

    async postMessage(data) {
      const inside = await this.started;
      inside.dispatchEvent(new MessageEvent('message', { data }));
    }
  };
}
