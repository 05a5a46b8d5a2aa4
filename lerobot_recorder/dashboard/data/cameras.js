// Live pictures: each is asked for when the one before it has come, while the page is seen.
import { at, make, setData, setText } from './page.js';

const BETWEEN_MS = 200;
const AGAIN_MS = 1000;
const tiles = new Map();

function makeTile(camera) {
  const image = make('img', { alt: `live picture of camera ${camera}`, width: 480, height: 360 });
  const state = make('output');
  const figure = make('figure', {}, image, make('figcaption', { textContent: camera }), state);
  setData(figure, 'state', 'still');
  setText(state, 'waiting for a picture');
  const tile = { camera, figure, image, state, number: 0, gone: false };
  watch(tile);
  return tile;
}

async function watch(tile) {
  while (!tile.gone) {
    const begun = performance.now();
    let pause = BETWEEN_MS;
    if (!document.hidden) {
      try {
        pause = (await next(tile)) ? BETWEEN_MS : 0;
      } catch {
        still(tile, 'no connection');
        pause = AGAIN_MS;
      }
    }
    await new Promise((done) => setTimeout(done, Math.max(pause - (performance.now() - begun), 20)));
  }
}

async function next(tile) {
  const response = await fetch(`/camera/${encodeURIComponent(tile.camera)}?after=${tile.number}`);
  if (response.status === 204) {
    still(tile, 'no picture comes');
    return false;
  }
  if (!response.ok) {
    still(tile, response.status === 415 ? await response.text() : 'no picture');
    return true;
  }
  tile.number = Number(response.headers.get('X-Picture'));
  const before = tile.image.src;
  tile.image.src = URL.createObjectURL(await response.blob());
  await tile.image.decode();
  if (before) URL.revokeObjectURL(before);
  setData(tile.figure, 'state', 'live');
  setText(tile.state, '');
  return true;
}

function still(tile, why) {
  setData(tile.figure, 'state', 'still');
  setText(tile.state, why);
}

export function showCameras(names) {
  for (const [name, tile] of tiles) {
    if (!names.includes(name)) {
      tile.gone = true;
      tile.figure.remove();
      tiles.delete(name);
    }
  }
  for (const name of names) {
    if (!tiles.has(name)) {
      tiles.set(name, makeTile(name));
      at('camera-grid').append(tiles.get(name).figure);
    }
  }
  at('no-cameras').hidden = names.length > 0;
}
