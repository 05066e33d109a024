import { SaxesParser, type SaxesTagNS } from 'saxes';
import { Element, type Node } from './element.js';
import { ns } from './ns.js';
import { type StreamCondition, StreamError } from './stream-error.js';

/** Bounds of what a peer may make us hold. */
export interface ParserLimits {
  /** Bytes of one stanza, and of the stream header. */
  readonly stanzaBytes: number;
  /** Elements inside each other, the stream's root not counted. */
  readonly depth: number;
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number;
  /** UTF-16 units of an element's or attribute's name with its prefix. */
  readonly nameLength: number;
}

export const defaultParserLimits: ParserLimits = {
  stanzaBytes: 256 * 1024,
  depth: 64,
  attributes: 64,
  nameLength: 256,
};

/** Hears of a stream, in order. What a handler throws ends the parser and comes out of `write`. */
export interface StreamHandler {
  /** The stream header, without children. */
  onOpen(header: Element): void;
  onStanza(stanza: Element): void;
  /** The stream was closed by its end tag. */
  onClose(): void;
}

export interface StreamParserOptions {
  readonly limits?: Partial<ParserLimits>;
  /** Content namespaces of the stream; their elements are delivered as `jabber:client`. */
  readonly contentNamespaces?: readonly string[];
}

interface Open {
  readonly name: string;
  readonly ns: string;
  readonly attrs: Record<string, string>;
  readonly children: Node[];
}

const onlySpace = /^[\t\n\r ]*$/;
const leadingSpace = /^[\t\n\r ]+/;

/**
 * Reads an XML stream (RFC 6120 §4) from bytes in any split. Refuses what §11.1 forbids. After an error, after the end
 * of the stream and after `stop` it is dead: what is written then is ignored.
 */
export class StreamParser {
  readonly #handler: StreamHandler;
  readonly #limits: ParserLimits;
  readonly #contentNamespaces: readonly string[];
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #saxes = new SaxesParser({ xmlns: true, defaultXMLVersion: '1.0', forceXMLVersion: true });
  readonly #open: Open[] = [];
  #attributes = 0;
  #isDead = false;
  /** Bytes since the end of the last stanza. */
  #used = 0;
  /** UTF-16 units given to the XML parser before what it is working on. */
  #fed = 0;
  /** Where in what it is working on the last stanza ended; -1 if none did. */
  #boundary = -1;
  #isBetweenStanzas = false;
  /** A stanza whose end tag was read but not yet judged; see `#closeTag`. */
  #complete: Element | 'end' | undefined;

  constructor(handler: StreamHandler, options: StreamParserOptions = {}) {
    this.#handler = handler;
    this.#limits = { ...defaultParserLimits, ...options.limits };
    this.#contentNamespaces = options.contentNamespaces ?? [];
    this.#listen();
  }

  /** Ends parsing, also in the middle of a chunk, from within a handler. */
  stop(): void {
    this.#isDead = true;
  }

  /**
   * Takes the next bytes.
   * @throws {StreamError} if they break a rule or a bound
   */
  write(bytes: Uint8Array): void {
    try {
      let rest = bytes;
      while (rest.length > 0 && !this.#isDead) {
        const room = this.#limits.stanzaBytes - this.#used;
        if (room <= 0)
          throw new StreamError(
            'policy-violation',
            `A stanza has at most ${this.#limits.stanzaBytes} bytes.`,
          );
        this.#feed(rest.subarray(0, room));
        rest = rest.subarray(room);
      }
    } catch (error) {
      this.#isDead = true;
      throw error;
    }
  }

  /** White space between stanzas keeps a connection alive: it is left out, so that a quiet stream holds nothing. */
  #feed(bytes: Uint8Array): void {
    const decoded = this.#decode(bytes);
    const text = this.#isBetweenStanzas ? decoded.replace(leadingSpace, '') : decoded;
    if (text === '' && this.#isBetweenStanzas) return;
    this.#boundary = -1;
    this.#isBetweenStanzas = false;
    this.#saxes.write(text);
    this.#deliver();
    this.#fed += text.length;
    if (this.#boundary === -1) this.#used += text === decoded ? bytes.length : Buffer.byteLength(text);
    else this.#startAfter(text.slice(this.#boundary));
  }

  #startAfter(rest: string): void {
    const begun = rest.replace(leadingSpace, '');
    this.#isBetweenStanzas = begun === '';
    this.#used = Buffer.byteLength(begun);
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes, { stream: true });
    } catch {
      throw new StreamError('not-well-formed', 'The stream is not UTF-8.');
    }
  }

  #listen(): void {
    const saxes = this.#saxes;
    saxes.on('error', (error) => this.#malformed(error.message));
    saxes.on('doctype', () => this.#fail('restricted-xml', 'A DTD is not allowed.'));
    saxes.on('comment', () => this.#fail('restricted-xml', 'Comments are not allowed.'));
    saxes.on('processinginstruction', () =>
      this.#fail('restricted-xml', 'Processing instructions are not allowed.'),
    );
    saxes.on('xmldecl', ({ encoding }) => {
      if (encoding !== undefined && encoding.toLowerCase() !== 'utf-8')
        this.#fail('unsupported-encoding', 'Use UTF-8.');
    });
    saxes.on('opentagstart', ({ name }) => this.#startTag(name));
    saxes.on('attribute', ({ name }) => this.#countAttribute(name));
    saxes.on('opentag', (tag) => this.#openTag(tag));
    saxes.on('closetag', () => this.#closeTag());
    saxes.on('text', (text) => this.#text(text));
    saxes.on('cdata', (text) => this.#text(text));
  }

  /** The XML parser tells of an end tag first and then, in the same breath, that it is the wrong one. */
  #malformed(message: string): void {
    if (!/unexpected close tag/.test(message)) this.#deliver();
    this.#fail(conditionOf(message), 'The stream is not well-formed XML.');
  }

  #fail(condition: StreamCondition, text: string): void {
    if (!this.#isDead) throw new StreamError(condition, text);
  }

  #startTag(name: string): void {
    this.#deliver();
    this.#attributes = 0;
    // The parser's work grows with the square of the depth, so the bound has to hold before a tag is complete.
    if (this.#open.length > this.#limits.depth)
      this.#fail('policy-violation', 'Elements are nested too deeply.');
    this.#checkName(name);
  }

  #countAttribute(name: string): void {
    this.#attributes++;
    if (this.#attributes > this.#limits.attributes)
      this.#fail('policy-violation', 'An element has too many attributes.');
    this.#checkName(name);
  }

  #checkName(name: string): void {
    if (name.length > this.#limits.nameLength) this.#fail('policy-violation', 'A name is too long.');
  }

  #openTag(tag: SaxesTagNS): void {
    if (this.#isDead) return;
    const attrs: Record<string, string> = Object.create(null);
    for (const [name, { value, uri }] of Object.entries(tag.attributes)) {
      if (uri !== 'http://www.w3.org/2000/xmlns/') attrs[name] = value;
    }
    const isContent = this.#contentNamespaces.includes(tag.uri);
    this.#open.push({ name: tag.local, ns: isContent ? ns.client : tag.uri, attrs, children: [] });
    if (this.#open.length === 1) this.#openStream(new Element(tag.local, tag.uri, attrs));
  }

  #openStream(header: Element): void {
    if (header.name !== 'stream') this.#fail('bad-format', 'The stream begins with <stream:stream>.');
    if (header.ns !== ns.streams) this.#fail('invalid-namespace', `The stream is in ${ns.streams}.`);
    this.#mark();
    this.#handler.onOpen(header);
  }

  #closeTag(): void {
    this.#deliver();
    const closed = this.#isDead ? undefined : this.#open.pop();
    if (closed === undefined) return;
    const parent = this.#open.at(-1);
    const element = new Element(closed.name, closed.ns, closed.attrs, closed.children);
    if (this.#open.length > 1) parent?.children.push(element);
    else {
      this.#complete = parent === undefined ? 'end' : element;
      this.#mark();
    }
  }

  #deliver(): void {
    const complete = this.#complete;
    if (complete === undefined) return;
    this.#complete = undefined;
    if (this.#isDead) return;
    if (complete === 'end') {
      this.#isDead = true;
      this.#handler.onClose();
    } else this.#handler.onStanza(complete);
  }

  #mark(): void {
    this.#boundary = this.#saxes.position - this.#fed;
  }

  #text(text: string): void {
    this.#deliver();
    if (this.#isDead) return;
    const parent = this.#open.at(-1);
    if (parent === undefined || this.#open.length === 1) {
      if (!onlySpace.test(text)) this.#fail('bad-format', 'Text between stanzas is not allowed.');
      return;
    }
    const last = parent.children.at(-1);
    if (typeof last === 'string') parent.children[parent.children.length - 1] = last + text;
    else if (text !== '') parent.children.push(text);
  }
}

function conditionOf(message: string): StreamCondition {
  if (/undefined entity/i.test(message)) return 'restricted-xml';
  return /unbound namespace prefix/i.test(message) ? 'bad-namespace-prefix' : 'not-well-formed';
}
