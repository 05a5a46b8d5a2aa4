// The episodes so far, newest first.
import { at, bytes, make, seconds, setText } from './page.js';

const PAGE = 12;
const OUTCOMES = { success: 'ok', failure: 'error', incomplete: 'warn' };
const MARKS = { ok: '✓', warn: '!', error: '✕' };
let shownRevision = '';
let asked = PAGE;

function card(episode) {
  const pictures = episode.cameras.map((camera) => make('img', {
    src: `/episode/${episode.index}/${encodeURIComponent(camera)}?key=${encodeURIComponent(episode.key)}`,
    alt: `${camera.split('.').pop()}, middle of episode ${episode.index}`,
    loading: 'lazy',
  }));
  const head = make('p', {}, make('b', { textContent: `Episode ${episode.index}` }), make('span', { className: 'quiet', textContent: seconds(episode.seconds) }));
  const facts = make('div', { className: 'facts' }, head, make('small', { textContent: episode.tasks.join(', ') }));
  const marks = make('p');
  if (episode.outcome) {
    const level = OUTCOMES[episode.outcome] || 'warn';
    const mark = make('span', { className: 'level', textContent: `${MARKS[level]} ${episode.outcome}` });
    mark.dataset.level = level;
    marks.append(mark);
  }
  const defects = Object.entries(episode.defects).map(([kind, count]) => `${count} ${kind.replaceAll('_', ' ')}`);
  if (defects.length) marks.append(make('small', { textContent: defects.join(', ') }));
  if (marks.children.length) facts.append(marks);
  const item = make('li', { value: episode.index }, make('div', { className: 'strip' }, ...pictures), facts);
  item.dataset.key = episode.key;
  item.dataset.facts = JSON.stringify(episode);
  return item;
}

async function load(revision, total) {
  const response = await fetch(`/episodes?count=${asked}`);
  if (!response.ok) throw new Error(await response.text());
  const grid = at('episode-grid');
  const known = new Map([...grid.children].map((item) => [item.dataset.facts, item]));
  const episodes = await response.json();
  grid.replaceChildren(...episodes.map((episode) => known.get(JSON.stringify(episode)) || card(episode)));
  at('more').hidden = episodes.length >= total || asked >= 60;
  shownRevision = revision;
}

export function showDataset(dataset) {
  const { episodes, revision, root, problem } = dataset;
  setText(at('episodes-sum'), episodes ? `${episodes}, ${seconds(dataset.seconds)}, ${bytes(dataset.bytes)}` : '');
  at('dataset-problem').hidden = !problem;
  setText(at('dataset-problem'), problem);
  at('no-episodes').hidden = episodes > 0 || Boolean(problem);
  const wanted = `${root} ${revision} ${asked}`;
  if (wanted !== shownRevision) {
    shownRevision = wanted;
    load(wanted, episodes).catch(() => { shownRevision = ''; });
  }
}

at('more').addEventListener('click', () => {
  asked = Math.min(asked + PAGE, 60);
  shownRevision = '';
});
