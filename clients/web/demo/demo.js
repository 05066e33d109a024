import { createBelfryPush } from './belfry-push.js';
import { Connection, childOf, xml } from './connection.js';
import { markStep, say, showEnabled, showProgress, showSession, showTrouble, view } from './view.js';

/** @typedef {ReturnType<typeof createBelfryPush>} BelfryPush */

/** Below the folder of this page, wherever a proxy has put it. */
const webSocketUrl = new URL('../xmpp-websocket', location.href);
webSocketUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';

/** Who is logged in. @type {{ connection: Connection, push: BelfryPush } | undefined} */
let session;

if (!isSecureContext)
  showTrouble('Browsers have notifications only on https:// and on localhost. Open this page there.');
chooseConversation();

onSubmit(view.login, async () => {
  const jid = view.jid.value.trim();
  const password = view.password.value;
  const connection = await Connection.open({ url: webSocketUrl, jid, password, resource: ownResource() });
  begin(connection);
  await session?.push.renew();
  showEnabled(session?.push.isEnabled ?? false);
});

onClick(view.logout, async () => session?.connection.close());

onClick(view.enable, async () => {
  await session?.push.enable();
  showEnabled(true);
});

onClick(view.disable, async () => {
  await session?.push.disable();
  showEnabled(false);
});

onSubmit(view.compose, async () => {
  const [to, text] = [view.to.value.trim(), view.text.value];
  session?.connection.send(
    xml`<message xmlns='jabber:client' type='chat' to='${to}' id='${crypto.randomUUID()}'><body>${text}</body></message>`,
  );
  say(`Sent to ${to}: ${text}`);
  view.compose.reset();
  view.to.value = to;
});

// The server shall know at once that this page is gone, and not wait for a connection to break.
addEventListener('pagehide', () => session?.connection.close());
addEventListener('hashchange', chooseConversation);

/** The same each time, and of this browser alone: the server tells by it whether the client that enabled pushes is there. */
function ownResource() {
  const resource = localStorage.getItem('belfry-demo-resource') ?? `demo.${crypto.randomUUID().slice(0, 8)}`;
  localStorage.setItem('belfry-demo-resource', resource);
  return resource;
}

/** By a gateway also where the server would push itself: with `?way=gateway`. */
function wantedWay() {
  const way = new URLSearchParams(location.search).get('way');
  return way === 'gateway' || way === 'in-band' ? way : 'auto';
}

/** @param {Connection} connection */
function begin(connection) {
  // As the server writes it, whatever was typed: that is what messages of the push service are about.
  const [account = ''] = connection.jid.split('/');
  const push = createBelfryPush({
    account,
    request: connection.request,
    worker: new URL('belfry-push-worker.js', location.href),
    way: wantedWay(),
    page: '#conversation={conversation}',
    icon: 'icon.png',
    onProgress: showProgress,
    onOpen: ({ conversation }) => {
      say(`The notification of ${conversation ?? account} was clicked.`);
      if (conversation !== undefined) reply(conversation);
    },
    onPush({ conversation }) {
      say(`A push has come for ${conversation ?? account}.`);
      // Whoever looks at this page needs no notification.
      if (document.visibilityState === 'visible') void push.closeNotifications(conversation);
    },
  });
  connection.onStanza = showMessage;
  connection.onClosed = (reason) => {
    push.stop();
    session = undefined;
    showSession(undefined);
    say(reason ?? 'Logged out.');
  };
  connection.send(xml`<presence xmlns='jabber:client'/>`);
  session = { connection, push };
  showSession(connection.jid);
  say(`Logged in as ${connection.jid}.`);
}

/** @param {Element} stanza */
function showMessage(stanza) {
  const body = stanza.localName === 'message' ? childOf(stanza, 'body')?.textContent : undefined;
  if (!body) return;
  const [from = ''] = (stanza.getAttribute('from') ?? '').split('/');
  say(`${from}: ${body}`);
  if (view.to.value === '') view.to.value = from;
}

/** The conversation that a notification has opened this page for. */
function chooseConversation() {
  const conversation = new URLSearchParams(location.hash.slice(1)).get('conversation');
  if (conversation) reply(conversation);
}

/** @param {string} conversation */
function reply(conversation) {
  view.to.value = conversation;
  if (session !== undefined) view.text.focus();
}

/** @param {HTMLFormElement} form @param {() => Promise<void>} work */
function onSubmit(form, work) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void attempt(form.querySelector('button'), work);
  });
}

/** @param {HTMLButtonElement} button @param {() => Promise<void>} work */
function onClick(button, work) {
  button.addEventListener('click', () => void attempt(button, work));
}

/** Not twice at once; what goes wrong is shown. @param {HTMLButtonElement | null} button @param {() => Promise<void>} work */
async function attempt(button, work) {
  if (button !== null) button.disabled = true;
  showTrouble(undefined);
  try {
    await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    showTrouble(reason);
    say(reason);
    markStep();
  } finally {
    if (button !== null) button.disabled = false;
  }
}
