/** @typedef {import('../belfry-push.d.ts').Progress} Progress */

/** Lines of the log that stay. */
const keptLines = 100;

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function find(id, type) {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${id}.`);
}

/** The parts of the page that something happens to. */
export const view = {
  login: find('login', HTMLFormElement),
  jid: find('jid', HTMLInputElement),
  password: find('password', HTMLInputElement),
  logout: find('logout', HTMLButtonElement),
  enable: find('enable', HTMLButtonElement),
  disable: find('disable', HTMLButtonElement),
  compose: find('compose', HTMLFormElement),
  to: find('to', HTMLInputElement),
  text: find('text', HTMLInputElement),
};

const trouble = find('trouble', HTMLElement);
const log = find('log', HTMLElement);
const steps = ['step-login', 'step-push', 'step-try'].map((id) => find(id, HTMLElement));

let isLoggedIn = false;
let isEnabled = false;

/** @param {string | undefined} text */
export function showTrouble(text) {
  trouble.hidden = text === undefined;
  trouble.textContent = text ?? '';
}

/** Writes a line into the log. @param {string} text */
export function say(text) {
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString();
  const line = document.createElement('li');
  const words = document.createElement('span');
  words.textContent = text;
  line.append(time, words);
  log.append(line);
  while (log.childElementCount > keptLines) log.firstElementChild?.remove();
}

/** @param {string | undefined} jid Who is logged in. */
export function showSession(jid) {
  isLoggedIn = jid !== undefined;
  view.login.hidden = isLoggedIn;
  find('session', HTMLElement).hidden = !isLoggedIn;
  find('me', HTMLElement).textContent = jid ?? '';
  find('address', HTMLElement).textContent = jid?.split('/')[0] ?? 'your address';
  view.enable.disabled = !isLoggedIn;
  for (const button of view.compose.querySelectorAll('button')) button.disabled = !isLoggedIn;
  if (isLoggedIn) view.password.value = '';
  else showEnabled(false);
  markStep();
}

/** @param {boolean} yes */
export function showEnabled(yes) {
  isEnabled = yes;
  view.enable.hidden = yes;
  view.disable.hidden = !yes;
  if (!yes) for (const item of document.querySelectorAll('#progress li')) mark(item, '');
  markStep();
}

/** Which step is to be taken now. */
export function markStep() {
  const current = isLoggedIn ? (isEnabled ? 2 : 1) : 0;
  steps.forEach((step, at) => {
    step.dataset['state'] = at < current ? 'done' : at === current ? 'now' : 'todo';
    if (at === current) step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  });
}

/** @param {Progress} progress */
export function showProgress(progress) {
  const item = document.querySelector(`#progress [data-step=${progress.step}]`);
  if (item !== null) mark(item, inShort(progress));
  say(inWords(progress));
}

/** @param {Element} item @param {string} text */
function mark(item, text) {
  item.classList.toggle('done', text !== '');
  const output = item.querySelector('output');
  if (output !== null) output.textContent = text;
}

/** @param {Progress} progress */
function inShort(progress) {
  if (progress.step === 'permission') return 'given';
  if (progress.step === 'key') return `${hex(progress.key.slice(0, 6))}…`;
  if (progress.step === 'worker') return 'active';
  return progress.step === 'subscription' ? progress.origin : 'yes';
}

/** @param {Progress} progress */
function inWords(progress) {
  switch (progress.step) {
    case 'permission':
      return 'You allow notifications.';
    case 'key':
      return `${progress.gateway ?? 'The server'} has told its key (${progress.key.length} bytes), with which it will sign.`;
    case 'worker':
      return `The service worker stands by for ${new URL(progress.scope).pathname}.`;
    case 'subscription':
      return `${progress.isNew ? 'The browser has subscribed' : 'The browser is subscribed already'} at ${progress.origin}.`;
    case 'enabled':
      return 'The server knows where to push, and encrypts for this browser alone.';
    case 'disabled':
      return 'The server and the browser have forgotten the subscription.';
  }
}

/** @param {Uint8Array} bytes */
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
