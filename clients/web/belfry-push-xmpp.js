// What belfry-push.js says to XMPP servers, in the two ways that an account's pushes can go: its own server sends them
// (`urn:xmpp:webpush:0`), or it publishes to a gateway that does (XEP-0357).

/** @typedef {import('./belfry-push.d.ts').BelfryPushOptions} Options */

/**
 * By whom an account can be pushed for, and the key to subscribe with. Without a gateway: by its own server.
 * @typedef {{ key: Uint8Array<ArrayBuffer>, gateway?: string }} Offer
 */

/**
 * Where an account's pushes are enabled. `gateway`: its JID, the node that the server publishes to, and what it calls this browser.
 * @typedef {{ endpoint: string, gateway?: { jid: string, node: string, device: string } }} Place
 */

const ns = {
  info: 'http://jabber.org/protocol/disco#info',
  items: 'http://jabber.org/protocol/disco#items',
  commands: 'http://jabber.org/protocol/commands',
  form: 'jabber:x:data',
  push: 'urn:xmpp:push:0',
  webPush: 'urn:xmpp:webpush:0',
};

const keyFormType = 'http://jabber.org/protocol/webpush#public-key';
const keyField = 'webpush#public-key';
const publishOptions = 'http://jabber.org/protocol/pubsub#publish-options';

/** Bytes of an uncompressed point on P-256, and so of a server's key (RFC 8292 §3.2). */
const keyBytes = 65;

/** Milliseconds that Strophe.js waits for an answer. */
const answerTimeout = 30_000;

/** Services of a domain that are asked whether they are a gateway. */
const mostServices = 40;

export class PushError extends Error {
  /**
   * @param {import('./belfry-push.d.ts').PushErrorCode} code
   * @param {string} message
   * @param {{ cause?: unknown, condition?: string }} [options]
   */
  constructor(code, message, { condition, ...options } = {}) {
    super(message, options);
    this.name = 'PushError';
    this.code = code;
    this.condition = condition;
  }
}

// Who pushes

/**
 * The account's own server knows more of what it pushes than it tells a gateway, and comes first. `known`: the gateway that the
 * account is pushed for by now, which stays the one, for there could be several.
 * @param {Options} options @param {string | undefined} known @returns {Promise<Offer>}
 */
export async function findOffer(options, known) {
  const { account, gateway, way = 'auto' } = options;
  const info = await askInfo(options, account);
  const key = way === 'gateway' ? undefined : keyIn(info);
  if (key !== undefined) return { key };
  if (way === 'in-band' || !hasFeature(info, ns.push))
    throw new PushError('not-offered', 'The server offers no Web Push for this account.');
  if (gateway !== undefined) return askGateway(options, gateway);
  return searchGateway(options, known);
}

/** Of the services of the account's domain, and itself. @param {Options} options @param {string | undefined} known */
async function searchGateway(options, known) {
  const stays = known !== undefined && (await askGateway(options, known).catch(() => undefined));
  if (stays) return stays;
  const domain = options.account.slice(options.account.lastIndexOf('@') + 1);
  const services = [domain, ...(await askServices(options, domain))];
  try {
    return await Promise.any(services.map((service) => askGateway(options, service)));
  } catch (cause) {
    throw new PushError('not-offered', `${domain} knows no gateway that pushes to browsers.`, { cause });
  }
}

/** @param {Options} options @param {string} gateway @returns {Promise<Offer>} */
async function askGateway(options, gateway) {
  const info = await askInfo(options, gateway);
  const key = keyIn(info);
  const isGateway =
    hasFeature(info, ns.push) &&
    elements(info, ns.info, 'identity').some(
      (identity) =>
        identity.getAttribute('category') === 'pubsub' && identity.getAttribute('type') === 'push',
    );
  if (key === undefined || !isGateway)
    throw new PushError('not-offered', `${gateway} is no gateway that pushes to browsers.`);
  return { key, gateway };
}

/** @param {Options} options @param {string} of */
function askInfo(options, of) {
  return ask(options, get(of, `<query xmlns='${ns.info}'/>`));
}

/** @param {Options} options @param {string} domain */
async function askServices(options, domain) {
  const answer = await ask(options, get(domain, `<query xmlns='${ns.items}'/>`));
  return elements(answer, ns.items, 'item')
    .filter((item) => !item.hasAttribute('node'))
    .map((item) => item.getAttribute('jid') ?? domain)
    .filter((jid) => jid !== domain)
    .slice(0, mostServices);
}

/** @param {Element} info @param {string} feature */
const hasFeature = (info, feature) =>
  elements(info, ns.info, 'feature').some((one) => one.getAttribute('var') === feature);

/** @param {Element} info */
function keyIn(info) {
  const form = elements(info, ns.form, 'x').find((x) => fieldValue(x, 'FORM_TYPE') === keyFormType);
  return form && decodeKey(fieldValue(form, keyField) ?? '');
}

/** In base64 or base64url; an older form has the point at the end of a DER structure. @param {string} text */
function decodeKey(text) {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0)).slice(-keyBytes);
    return bytes.length === keyBytes && bytes[0] === 4 ? bytes : undefined;
  } catch {
    return undefined;
  }
}

// Enabling and disabling

/**
 * Has the account's pushes sent to that subscription. `before`: where they went so far, on which `leave` has the last word.
 * @param {Options} options @param {Offer} offer @param {PushSubscription} subscription @param {Place | undefined} before
 * @returns {Promise<Place>}
 */
export async function enableAt(options, { gateway }, subscription, before) {
  const { endpoint, keys: { p256dh = '', auth = '' } = {} } = subscription.toJSON();
  const target = { endpoint: endpoint ?? '', p256dh, auth };
  if (gateway !== undefined) return enableByGateway(options, gateway, target, before);
  const children = Object.entries(target).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  await ask(options, set(`<enable xmlns='${ns.webPush}'>${children.join('')}</enable>`));
  return { endpoint: target.endpoint };
}

/**
 * Registers at the gateway, and has the account's server publish there (XEP-0357 §5). Done anew, neither changes much: the same
 * device has the same node.
 * @param {Options} options @param {string} gateway
 * @param {{ endpoint: string, p256dh: string, auth: string }} target @param {Place | undefined} before
 * @returns {Promise<Place>}
 */
async function enableByGateway(options, gateway, target, before) {
  const device = before?.gateway?.device ?? crypto.randomUUID();
  const { jid, node, secret } = await registerAt(options, gateway, { ...target, 'device-id': device });
  const place = { endpoint: target.endpoint, gateway: { jid, node, device } };
  const form = formOf({ FORM_TYPE: publishOptions, secret });
  try {
    await ask(options, set(`<enable xmlns='${ns.push}' ${addressOf(place.gateway)}>${form}</enable>`));
  } catch (error) {
    // What nobody publishes to is not left behind; but a server that has said no to a renewal may still publish.
    if (before?.gateway?.jid !== jid) await unregisterAt(options, place.gateway).catch(() => {});
    throw error;
  }
  return place;
}

/**
 * Browsers have each push shown: only what is worth it is wanted.
 * @param {Options} options @param {string} gateway @param {Record<string, string>} fields
 */
async function registerAt(options, gateway, fields) {
  const answer = await run(options, gateway, 'register-push-webpush', { ...fields, 'important-only': '1' });
  const [form = answer] = elements(answer, ns.form, 'x');
  const [node, secret] = [fieldValue(form, 'node'), fieldValue(form, 'secret')];
  if (!node || !secret)
    throw new PushError('refused', `${gateway} does not say where the server shall publish.`);
  return { jid: fieldValue(form, 'jid') || gateway, node, secret };
}

/** @param {Options} options @param {NonNullable<Place['gateway']>} gateway */
function unregisterAt(options, { jid, device }) {
  return run(options, jid, 'unregister-push-webpush', { 'device-id': device });
}

/**
 * An ad-hoc command of one step (XEP-0050).
 * @param {Options} options @param {string} to @param {string} node @param {Record<string, string>} fields
 */
function run(options, to, node, fields) {
  const command = `<command xmlns='${ns.commands}' node='${node}' action='execute'>${formOf(fields)}</command>`;
  return ask(options, set(command, to));
}

/** Ends what was enabled there. @param {Options} options @param {Place} place */
export async function disableAt(options, { endpoint, gateway }) {
  if (gateway === undefined) {
    const child = `<endpoint>${escapeXml(endpoint)}</endpoint>`;
    await ask(options, set(`<disable xmlns='${ns.webPush}'>${child}</disable>`));
    return;
  }
  const done = await Promise.allSettled([stopPublishes(options, gateway), unregisterAt(options, gateway)]);
  for (const one of done) {
    // What is not there needs no end.
    if (one.status === 'rejected' && one.reason.condition !== 'item-not-found') throw one.reason;
  }
}

/** Ends what pushes that now go elsewhere have left behind. @param {Options} options @param {Place} before @param {Place} now */
export async function leave(options, before, now) {
  const { gateway } = before;
  const isSame = gateway?.jid === now.gateway?.jid;
  if (gateway !== undefined && isSame) {
    // The device is the same, and so is its registration. Only one that the gateway had lost meanwhile has another node.
    if (gateway.node !== now.gateway?.node) await stopPublishes(options, gateway);
  } else if (!isSame || before.endpoint !== now.endpoint) await disableAt(options, before);
}

/** @param {Options} options @param {NonNullable<Place['gateway']>} gateway */
function stopPublishes(options, gateway) {
  return ask(options, set(`<disable xmlns='${ns.push}' ${addressOf(gateway)}/>`));
}

/** @param {{ jid: string, node: string }} gateway */
const addressOf = ({ jid, node }) => `jid='${escapeXml(jid)}' node='${escapeXml(node)}'`;

// Stanzas

/** @param {string} to @param {string} payload */
const get = (to, payload) => `<iq xmlns='jabber:client' type='get' to='${escapeXml(to)}'>${payload}</iq>`;

/** Without an address: for the own account. @param {string} payload @param {string} [to] */
const set = (payload, to) =>
  `<iq xmlns='jabber:client' type='set'${to === undefined ? '' : ` to='${escapeXml(to)}'`}>${payload}</iq>`;

/** @param {Options} options @param {string} iq */
async function ask({ request }, iq) {
  // Parsed, so that namespaces are attributes too: that is where Strophe.js looks for them.
  const answer = await request(parseXml(iq)).catch((error) => {
    throw refusal(error);
  });
  if (answer.getAttribute('type') === 'error') throw refusal(answer);
  return answer;
}

/** @param {string} text */
function parseXml(text) {
  return new DOMParser().parseFromString(text, 'text/xml').documentElement;
}

/** A stanza error in the forms that libraries give it, or whatever else has gone wrong. @param {unknown} error */
function refusal(error) {
  const { condition, text } = error instanceof Element ? readStanzaError(error) : fieldsOf(error);
  if (condition === undefined) {
    return new PushError('refused', `The server did not answer: ${messageOf(error)}`, { cause: error });
  }
  const message = `The server refused: ${text === undefined || text === '' ? condition : text}`;
  return new PushError('refused', message, { cause: error, condition });
}

/** @param {Element} answer */
function readStanzaError(answer) {
  const children = [...(answer.getElementsByTagName('error')[0]?.children ?? [])];
  const text = children.find((child) => child.localName === 'text')?.textContent ?? undefined;
  return { condition: children.find((child) => child.localName !== 'text')?.localName, text };
}

/** @param {unknown} error @returns {{ condition?: string, text?: string }} */
function fieldsOf(error) {
  if (typeof error !== 'object' || error === null || !('condition' in error)) return {};
  const text = 'text' in error && typeof error.text === 'string' ? { text: error.text } : {};
  return { condition: String(error.condition), ...text };
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message : 'no answer in time');

/** @param {Element} parent @param {string} namespace @param {string} name */
const elements = (parent, namespace, name) => [...parent.getElementsByTagNameNS(namespace, name)];

/** A form that is filled in. @param {Record<string, string>} fields */
function formOf(fields) {
  const children = Object.entries(fields).map(([name, value]) => {
    const type = name === 'FORM_TYPE' ? " type='hidden'" : '';
    return `<field var='${name}'${type}><value>${escapeXml(value)}</value></field>`;
  });
  return `<x xmlns='${ns.form}' type='submit'>${children.join('')}</x>`;
}

/** @param {Element} form @param {string} name */
function fieldValue(form, name) {
  const field = elements(form, ns.form, 'field').find((child) => child.getAttribute('var') === name);
  return field && elements(field, ns.form, 'value')[0]?.textContent?.trim();
}

/** @param {string} text */
function escapeXml(text) {
  return text.replace(/[&<>'"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

// Libraries

/** @type {typeof import('./belfry-push.d.ts').requestByStrophe} */
export function requestByStrophe(connection) {
  return (iq) =>
    new Promise((resolve, reject) => {
      connection.sendIQ(iq, resolve, reject, answerTimeout);
    });
}

/** @type {typeof import('./belfry-push.d.ts').requestByXmppJs} */
export function requestByXmppJs({ iqCaller }, xml) {
  /** @type {(element: Element) => ReturnType<typeof xml>} */
  const convert = (element) => {
    const attrs = Object.fromEntries([...element.attributes].map(({ name, value }) => [name, value]));
    const children = [...element.childNodes].map((node) =>
      node instanceof Element ? convert(node) : (node.textContent ?? ''),
    );
    return xml(element.nodeName, attrs, ...children);
  };
  return async (iq) => {
    const answer = await iqCaller.request(convert(iq));
    return parseXml(answer.toString());
  };
}
