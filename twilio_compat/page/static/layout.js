// How wide the tiles are: as large as they can be side by side, each 16 by 9.

const RATIO = 9 / 16;
const NARROWEST = 96;

/** The width in pixels of each of `count` tiles in a box. */
export function tileWidth(count, width, height, gap) {
  let best = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = (height - gap * (rows - 1)) / rows / RATIO;
    best = Math.max(best, Math.min(across, down));
  }
  return Math.min(width, Math.max(Math.floor(best), NARROWEST));
}

/** Keep the tiles of a box fitting, whatever its size and however many there are. */
export function keepFitting(box) {
  const fit = () => {
    const gap = Number.parseFloat(getComputedStyle(box).columnGap) || 0;
    const width = tileWidth(box.children.length, box.clientWidth, box.clientHeight, gap);
    box.style.setProperty('--tile-width', `${width}px`);
  };
  new ResizeObserver(fit).observe(box);
  new MutationObserver(fit).observe(box, { childList: true });
}
