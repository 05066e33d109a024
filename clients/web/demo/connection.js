import { createScram } from './scram.js';

const ns = {
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  ping: 'urn:xmpp:ping',
};

/** Milliseconds until a bound resource, and until the answer to a request. */
const loginTimeout = 15_000;
const requestTimeout = 15_000;

/**
 * An XML text in which every value is escaped.
 * @param {TemplateStringsArray} strings @param {...string} values
 */
export function xml(strings, ...values) {
  return String.raw({ raw: strings }, ...values.map(escapeXml));
}

/** Without what XML cannot hold. @param {string} text */
function escapeXml(text) {
  const allowed = text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '');
  return allowed.replace(/[&<>'"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** @param {string} text */
const parseXml = (text) => new DOMParser().parseFromString(text, 'text/xml').documentElement;

/** @param {Element} parent @param {string} name */
export const childOf = (parent, name) => [...parent.children].find((child) => child.localName === name);

/**
 * A session of an account: XMPP over a WebSocket (RFC 7395), SCRAM-SHA-256, a resource. No more than the demo needs: neither
 * stream management nor reconnecting.
 */
export class Connection {
  /** The full JID. */
  jid = '';
  /** Takes messages and presence. @type {(stanza: Element) => void} */
  onStanza = () => {};
  /** It is over; with the reason, unless `close` has ended it. @type {(reason: string | undefined) => void} */
  onClosed = () => {};

  #socket;
  #isOpen = true;
  /** @type {Element[]} */
  #waiting = [];
  /** Who waits for the next element while the session is negotiated. @type {((element: Element | undefined) => void) | undefined} */
  #reader;
  /** @type {Map<string, (answer: Element) => void>} */
  #requests = new Map();

  /** @param {WebSocket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#received(parseXml(data)));
    socket.addEventListener('close', () => this.#over('The connection is lost.'));
  }

  /**
   * Logs in. Rejects with a reason to show.
   * @param {{ url: string | URL, jid: string, password: string, resource: string }} options `jid`: the bare one.
   */
  static async open({ url, jid, password, resource }) {
    const connection = new Connection(new WebSocket(url, 'xmpp'));
    const impatience = setTimeout(() => connection.#over('The server let nobody in.'), loginTimeout);
    try {
      await connection.#logIn(jid, password, resource);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(impatience);
    }
  }

  /** @param {string} text */
  send(text) {
    if (!this.#isOpen || this.#socket.readyState !== WebSocket.OPEN) {
      throw new Error('There is no connection to the server.');
    }
    this.#socket.send(text);
  }

  /**
   * Sends an `<iq/>` and resolves with the answer, be it a result or an error: what belfry-push.js asks for.
   * @param {Element} iq @returns {Promise<Element>}
   */
  request = (iq) =>
    new Promise((resolve, reject) => {
      // Not to be guessed: nobody else can answer.
      const id = crypto.randomUUID();
      const impatience = setTimeout(() => {
        this.#requests.delete(id);
        reject(new Error('the answer takes too long'));
      }, requestTimeout);
      this.#requests.set(id, (answer) => {
        clearTimeout(impatience);
        resolve(answer);
      });
      iq.setAttribute('id', id);
      this.send(new XMLSerializer().serializeToString(iq));
    });

  /** In good order, also when the page goes: the server knows at once that nobody is there. */
  close() {
    if (this.#isOpen && this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send(xml`<close xmlns='${ns.framing}'/>`);
    }
    this.#over(undefined);
  }

  /** @param {string} jid @param {string} password @param {string} resource */
  async #logIn(jid, password, resource) {
    const [user = '', domain = ''] = jid.split('@');
    await new Promise((resolve) => {
      this.#socket.addEventListener('open', resolve);
      this.#socket.addEventListener('close', resolve);
    });
    await this.#authenticate(await this.#openStream(domain), user, password);
    await this.#openStream(domain);
    const answer = await this.request(
      parseXml(
        xml`<iq xmlns='jabber:client' type='set'><bind xmlns='${ns.bind}'><resource>${resource}</resource></bind></iq>`,
      ),
    );
    const bound = answer.getElementsByTagNameNS(ns.bind, 'jid')[0]?.textContent;
    if (!bound) throw new Error('The server refused the session.');
    this.jid = bound;
  }

  /** Opens the stream, at first or anew, and resolves with the server's features. @param {string} domain */
  async #openStream(domain) {
    this.send(xml`<open xmlns='${ns.framing}' to='${domain}' version='1.0'/>`);
    const header = await this.#next();
    if (header.localName !== 'open') throw new Error(`The server does not answer for ${domain}.`);
    const features = await this.#next();
    if (features.localName !== 'features') throw new Error(`The server does not serve ${domain}.`);
    return features;
  }

  /** A password is never sent, on no connection. @param {Element} features @param {string} user @param {string} password */
  async #authenticate(features, user, password) {
    const offered = [...features.getElementsByTagNameNS(ns.sasl, 'mechanism')].map(
      (child) => child.textContent,
    );
    if (!offered.includes('SCRAM-SHA-256')) throw new Error('The server does not offer SCRAM-SHA-256.');
    const scram = createScram({ user, password });
    this.send(xml`<auth xmlns='${ns.sasl}' mechanism='SCRAM-SHA-256'>${encode(scram.first)}</auth>`);
    const final = await scram.respond(await this.#saslAnswer('challenge'));
    this.send(xml`<response xmlns='${ns.sasl}'>${encode(final)}</response>`);
    scram.verify(await this.#saslAnswer('success'));
  }

  /** @param {'challenge' | 'success'} expected */
  async #saslAnswer(expected) {
    const answer = await this.#next();
    if (answer.localName === expected) return decode(answer.textContent ?? '');
    const condition = answer.firstElementChild?.localName;
    throw new Error(
      condition === 'not-authorized'
        ? 'There is no such account, or the password is wrong.'
        : `The server refused the login: ${condition}.`,
    );
  }

  /** @returns {Promise<Element>} */
  async #next() {
    const first = this.#waiting.shift();
    if (first !== undefined) return first;
    const element = await new Promise((/** @type {(element: Element | undefined) => void} */ resolve) => {
      if (this.#isOpen) this.#reader = resolve;
      else resolve(undefined);
    });
    if (element === undefined) throw new Error('The server cannot be reached, or has closed the connection.');
    return element;
  }

  /** @param {Element} element */
  #received(element) {
    if (element.localName === 'iq') this.#receivedIq(element);
    else if (this.jid !== '') this.#receivedStanza(element);
    else if (this.#reader === undefined) this.#waiting.push(element);
    else {
      const read = this.#reader;
      this.#reader = undefined;
      read(element);
    }
  }

  /** @param {Element} stanza */
  #receivedStanza(stanza) {
    if (stanza.localName === 'close') this.#over('The server has closed the connection.');
    else if (stanza.localName === 'error') this.#over(reasonOf(stanza));
    else if (stanza.localName === 'message' || stanza.localName === 'presence') this.onStanza(stanza);
  }

  /** Every request gets an answer (RFC 6120 §8.2.3). @param {Element} iq */
  #receivedIq(iq) {
    const id = iq.getAttribute('id') ?? '';
    const type = iq.getAttribute('type');
    if (type === 'result' || type === 'error') {
      const answered = this.#requests.get(id);
      this.#requests.delete(id);
      answered?.(iq);
      return;
    }
    const to = iq.getAttribute('from') ?? this.jid.split('/')[0] ?? '';
    const isPing = iq.firstElementChild?.namespaceURI === ns.ping;
    this.send(
      isPing
        ? xml`<iq xmlns='jabber:client' type='result' id='${id}' to='${to}'/>`
        : xml`<iq xmlns='jabber:client' type='error' id='${id}' to='${to}'><error type='cancel'><service-unavailable xmlns='${ns.stanzas}'/></error></iq>`,
    );
  }

  /** @param {string | undefined} reason */
  #over(reason) {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#socket.close();
    this.#reader?.(undefined);
    this.onClosed(reason);
  }
}

/** @param {Element} error Why the server ends the stream (RFC 6120 §4.9). */
function reasonOf(error) {
  const condition = error.firstElementChild?.localName;
  if (condition === 'conflict') return 'Another tab of this browser has taken over.';
  return `The server has ended the connection: ${condition}.`;
}

/** Names may have any letters. @param {string} text */
const encode = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** @param {string} text */
const decode = (text) => new TextDecoder().decode(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
