// The page's frame: live status, the session's buttons, health and disk.
import { showCameras } from './cameras.js';
import { showDataset } from './episodes.js';
import { at, bytes, make, seconds, setData, setText } from './page.js';

const SURE_MS = 3000;
const LEVELS = ['ok', 'warn', 'error', 'silent'];
const LEVEL_WORDS = { ok: '✓ OK', warn: '! Warning', error: '✕ Error', silent: '… Silent' };

function fill(bar, share) {
  const percent = Math.round(Math.min(Math.max(share || 0, 0), 1) * 100);
  bar.style.width = `${percent}%`;
  bar.parentElement.setAttribute('aria-valuenow', String(percent));
}

function tell(text, failed = false) {
  setText(at('message'), text);
  at('message').classList.toggle('failed', failed);
}

async function post(path, body) {
  try {
    const response = await fetch(path, { method: 'POST', body });
    const isAnswer = (response.headers.get('Content-Type') || '').includes('json');
    const answer = isAnswer ? await response.json() : { success: false, message: await response.text() };
    tell(answer.message, !answer.success);
    return answer.success;
  } catch {
    tell('the dashboard does not answer', true);
    return false;
  }
}

function verbButton(verb) {
  const button = make('button', { type: 'button', textContent: verb.label });
  button.dataset.verb = verb.name;
  let sure = 0;
  const calm = () => {
    clearTimeout(sure);
    sure = 0;
    button.classList.remove('sure');
    button.textContent = verb.label;
  };
  button.addEventListener('click', async () => {
    if (verb.confirm && !sure) {
      button.classList.add('sure');
      button.textContent = `${verb.label}: sure?`;
      sure = setTimeout(calm, SURE_MS);
      return;
    }
    calm();
    button.disabled = true;
    await post(`/do/${verb.name}`);
    button.disabled = false;
  });
  return button;
}

function showVerbs(verbs) {
  const group = at('verbs');
  const known = new Map([...group.children].map((button) => [button.dataset.verb, button]));
  const wanted = verbs.map((verb) => known.get(verb.name) || verbButton(verb));
  wanted.forEach((button, place) => {
    button.classList.toggle('primary', verbs[place].primary);
    if (group.children[place] !== button) group.insertBefore(button, group.children[place] || null);
  });
  while (group.children.length > wanted.length) group.lastChild.remove();
}

let lastMessage = '';

function showSession({ recorder, status, verbs, texts }) {
  const phase = recorder ? status.phase || 'preparing' : 'away';
  setText(at('phase'), recorder ? phase : 'no recorder');
  setData(at('phase'), 'phase', phase);
  setData(at('session'), 'phase', phase);
  setText(at('namespace'), recorder && recorder.namespace !== '/' ? recorder.namespace : '');
  const { saved = 0, accepted = saved, wanted = 0, frames = 0, episode_frames: all = 0, fps = 0 } = status;
  setText(at('episode'), wanted ? `${Math.min(accepted + 1, wanted)} of ${wanted}` : '');
  setText(at('task'), status.task || '');
  const resetting = phase === 'resetting';
  const time = (rows) => (fps ? `${(rows / fps).toFixed(1)} s` : `${rows} frames`);
  setText(at('elapsed'), resetting ? `${Math.ceil(status.left_s || 0)} s` : time(frames));
  setText(at('full'), resetting ? 'to reset the scene' : all ? `of ${time(all)}` : '');
  fill(at('progress'), resetting ? 0 : frames / all);
  const waiting = accepted - saved;
  setText(at('counts'), `${saved} saved${waiting > 0 ? `, ${waiting} on the way to the disk` : ''}`);
  const silent = (status.waiting_for || []).join(', ');
  at('waiting').hidden = !(recorder && silent);
  setText(at('waiting'), `waiting for ${silent}`);
  if (status.message && status.message !== lastMessage) tell(status.message);
  lastMessage = status.message || '';
  showVerbs(verbs);
  for (const what of ['task', 'note']) at(`say-${what}`).hidden = !texts.includes(what);
  document.title = recorder ? `${phase} · Recorder` : 'Recorder';
  showNotice(recorder, phase);
}

function showNotice(recorder, phase) {
  const others = recorder ? recorder.others : [];
  const notice = !recorder
    ? 'No recorder is running. Start one with lerobot-ros record; a simulated one is found with the same --config_path.'
    : others.length ? `Shown is ${recorder.namespace}; there are also ${others.join(', ')}.` : '';
  at('notice').hidden = !notice || phase === 'done';
  setText(at('notice'), notice);
}

function componentRow(name) {
  const row = make('li');
  row.dataset.name = name;
  const told = make('div', {}, make('b', { textContent: name }), make('small'));
  row.append(make('details', {}, make('summary', {}, make('span', { className: 'level' }), told), make('dl')));
  return row;
}

function showHealth(components) {
  const list = at('components');
  const rows = new Map([...list.children].map((row) => [row.dataset.name, row]));
  const wanted = components.map((component) => {
    const row = rows.get(component.name) || componentRow(component.name);
    const level = LEVELS[component.level] || 'error';
    setData(row.querySelector('.level'), 'level', level);
    setText(row.querySelector('.level'), LEVEL_WORDS[level]);
    setText(row.querySelector('small'), component.message);
    const facts = Object.entries(component.values);
    const dl = row.querySelector('dl');
    dl.hidden = !facts.length;
    dl.replaceChildren(...facts.flatMap(([key, value]) => [make('dt', { textContent: key }), make('dd', { textContent: value })]));
    return row;
  });
  wanted.forEach((row, place) => {
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
  });
  while (list.children.length > wanted.length) list.lastChild.remove();
  const bad = components.filter((component) => component.level > 0).length;
  setText(at('health-sum'), components.length ? (bad ? `${bad} of ${components.length} need a look` : `all ${components.length} well`) : '');
  at('no-health').hidden = components.length > 0;
}

function showDisk({ disk, root, bytes: size }) {
  const known = disk.free !== undefined;
  at('disk').hidden = !known;
  if (!known) return;
  setText(at('free'), bytes(disk.free));
  setData(at('disk-level'), 'level', disk.level);
  setText(at('disk-level'), { ok: '✓ plenty', warn: '! getting full', error: '✕ almost full' }[disk.level]);
  fill(at('used'), 1 - disk.free / disk.total);
  setText(at('minutes'), disk.minutes === null ? 'how long that lasts is known after the first episode'
    : `enough for ${seconds(disk.minutes * 60)} more at the rate so far; ${bytes(size)} recorded`);
  setText(at('root'), root);
}

for (const what of ['task', 'note']) {
  at(`say-${what}`).addEventListener('submit', async (event) => {
    event.preventDefault();
    const input = event.target.querySelector('input');
    if (await post(`/say/${what}`, input.value)) input.value = '';
  });
}

let events = null;

function listen() {
  events = new EventSource('/events');
  events.addEventListener('message', ({ data }) => {
    const view = JSON.parse(data);
    showSession(view);
    showCameras(view.cameras);
    showHealth(view.health);
    showDisk(view.dataset);
    showDataset(view.dataset);
  });
  events.addEventListener('error', () => {
    setText(at('phase'), 'not connected');
    setData(at('phase'), 'phase', 'away');
    if (events.readyState === EventSource.CLOSED) setTimeout(resume, 3000);
  });
}

function resume() {
  if (events) events.close();
  if (!document.hidden) listen();
}

// A page nobody sees costs the robot's machine nothing.
document.addEventListener('visibilitychange', () => (document.hidden ? events && events.close() : resume()));
resume();
