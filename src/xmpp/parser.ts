import { isAscii } from 'node:buffer';
import { Element, type Node, noChildren } from './element.js';
import { ns } from './ns.js';
import { StreamError } from './stream-error.js';
import {
  declaresOwnNamespace,
  defaultNamespace,
  readEndTag,
  readTag,
  rootScope,
  type Tag,
} from './xml-tag.js';
import { malformed, readCdata, readText } from './xml-text.js';

/** Bounds of what a peer may make us hold. */
export interface ParserLimits {
  /**
   * Bytes of one stanza, and of the stream header. Where prefixes stand for long namespaces, which have to be written
   * out when the stanza is passed on, those count too.
   */
  readonly stanzaBytes: number;
  /** Elements of one stanza: the memory and time that it takes is theirs more than its bytes'. */
  readonly elements: number;
  /** Elements inside each other, the stream's root not counted. */
  readonly depth: number;
  /** Attributes of one element, namespace declarations included. */
  readonly attributes: number;
  /** UTF-16 units of an element's or attribute's name with its prefix. */
  readonly nameLength: number;
}

export const defaultParserLimits: ParserLimits = {
  stanzaBytes: 256 * 1024,
  elements: 100_000,
  depth: 64,
  attributes: 64,
  nameLength: 256,
};

/** Hears of a stream, in order. What a handler throws ends the parser and comes out of `write`. */
export interface StreamHandler {
  /** The stream header, without children, and the namespace that it declares for what has no prefix. */
  onOpen(header: Element, defaultNamespace: string): void;
  onStanza(stanza: Element): void;
  /** The stream was closed by its end tag. */
  onClose(): void;
}

export interface StreamParserOptions {
  readonly limits?: Partial<ParserLimits>;
  /** Content namespaces of the stream; their elements are delivered as `jabber:client`. */
  readonly contentNamespaces?: readonly string[];
  /**
   * For streams that carry what third parties wrote: a flaw inside a stanza costs that stanza and not the stream, as
   * long as its tags can be told apart. Hears why, and of the stanza's start tag if that was read.
   */
  readonly onDropped?: (error: StreamError, start: Element | undefined) => void;
}

interface Open {
  readonly tag: Tag;
  readonly ns: string;
  readonly children: Node[];
}

/** What the next character belongs to. `markup`: a `<` was read, but not yet enough to tell what it begins. */
type State = 'text' | 'markup' | 'tag' | 'endTag' | 'cdata' | 'declaration';

const notSpace = /[^\t\n\r ]/;
const cdataStart = '![CDATA[';
const cdataEnd = ']]>';
const declarationStart = /^\?xml[ \t\n\r]/;
const declaration =
  /^version *= *(["'])1\.[0-9]+\1(?: +encoding *= *(["'])([A-Za-z][\w.-]*)\2)?(?: +standalone *= *(["'])(?:yes|no)\4)? *$/;

/**
 * Bytes decoded at a time. An address that somebody keeps is a slice of the decoded text and keeps all of it in
 * memory, so the text must not be as long as what a socket reads at once.
 */
const pieceBytes = 4096;

/** For what is not ASCII. U+FEFF is a character like others, at the start too (RFC 6120 §11.6). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const nothing = Buffer.alloc(0);

const doubleQuote = 0x22;
const singleQuote = 0x27;
const lessThan = 0x3c;
const greaterThan = 0x3e;

/**
 * Reads an XML stream (RFC 6120 §4) from bytes in any split, in time linear in their number: a token that is not
 * complete is kept in pieces and never looked at twice. Takes the XML that RFC 6120 §11 leaves: no DTD, no entities but
 * the five, no comments, no processing instructions. After an error, after the end of the stream and after `stop` it is
 * dead: what is written then is ignored.
 *
 * Servers have one for each client, nearly all of them idle: between stanzas it holds next to nothing.
 */
export class StreamParser {
  readonly #handler: StreamHandler;
  readonly #contentNamespaces: readonly string[];
  readonly #onDropped: StreamParserOptions['onDropped'];
  #limits: ParserLimits;
  #open: Open[] = [];
  #state: State = 'text';
  /** The beginning of the token under way, from earlier writes. */
  #pieces: string[] = [];
  /** The last characters of the pieces, as many as a terminator that the next piece completes may have in them. */
  #tail = '';
  /** The quotation mark that an attribute's value in the tag under way has to end with; 0 outside of one. */
  #quote = 0;
  #isDead = false;
  #isPaused = false;
  #isAtStart = true;
  /** Bytes that came before a pause ended. */
  #ahead: Uint8Array = nothing;
  /** A character's first bytes, the rest of which has not come yet. */
  #partial: Uint8Array = nothing;
  /** The decoded text at hand, how far it was read, and the bytes that it came with. */
  #text = '';
  #at = 0;
  #textBytes = 0;
  /** Bytes of the stanza or header under way, without those of the text at hand. */
  #used = 0;
  /** What the stanza under way needs beyond its bytes when its namespaces are written out. */
  #expansion = 0;
  #elements = 0;
  /** Elements open in a stanza that is being dropped; 0 if none is. */
  #skipped = 0;
  /** Where in the text at hand the last stanza began; -1 if none did. */
  #boundary = -1;

  constructor(handler: StreamHandler, options: StreamParserOptions = {}) {
    this.#handler = handler;
    this.#limits = withDefaults(options.limits);
    this.#contentNamespaces = options.contentNamespaces ?? noNamespaces;
    this.#onDropped = options.onDropped;
  }

  /** Ends parsing, also in the middle of a chunk, from within a handler. */
  stop(): void {
    this.#isDead = true;
    this.#ahead = nothing;
    this.#text = '';
    this.#pieces = [];
  }

  /** Delivers nothing more until `resume`, also from within a handler. What is written meanwhile is kept. */
  pause(): void {
    this.#isPaused = true;
  }

  /**
   * Goes on after a pause.
   * @throws {StreamError} as `write`
   */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    const ahead = this.#ahead;
    this.#ahead = nothing;
    this.#run(ahead);
  }

  /**
   * From within a handler of a stanza: what follows is a new stream (RFC 6120 §4.3.3), with bounds of its own if they
   * are given.
   */
  restart(limits: ParserLimits = this.#limits): void {
    this.#limits = limits;
    this.#open = [];
    this.#isAtStart = true;
    this.#used = 0;
    this.#boundary = this.#at;
  }

  /** Other bounds from now on, for the stanza under way too. */
  limit(limits: ParserLimits): void {
    this.#limits = limits;
  }

  /** False in the middle of a stanza, and while there is something to deliver after a pause. */
  get isBetweenStanzas(): boolean {
    const hasRead = this.#text === '' && this.#ahead.length === 0 && this.#partial.length === 0;
    return hasRead && this.#isBetweenStanzas && this.#state === 'text';
  }

  /**
   * Takes the next bytes.
   * @throws {StreamError} if they break a rule or a bound
   */
  write(bytes: Uint8Array): void {
    if (this.#isPaused && !this.#isDead) this.#ahead = joinBytes(this.#ahead, bytes);
    else this.#run(bytes);
  }

  #run(bytes: Uint8Array): void {
    try {
      if (this.#text !== '') this.#parse();
      let rest = bytes;
      while (rest.length > 0 && !this.#isDead && !this.#isPaused) {
        const room = this.#limits.stanzaBytes - this.#used;
        if (room <= 0) throw tooLarge(this.#limits);
        const piece = rest.subarray(0, Math.min(room, pieceBytes));
        this.#feed(piece);
        rest = rest.subarray(piece.length);
      }
      if (this.#isPaused && !this.#isDead) this.#ahead = rest;
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #feed(bytes: Uint8Array): void {
    this.#text = this.#decode(bytes);
    this.#at = 0;
    this.#textBytes = bytes.length;
    this.#boundary = -1;
    this.#parse();
  }

  #decode(bytes: Uint8Array): string {
    if (this.#partial.length === 0 && isAscii(bytes)) return asBuffer(bytes).toString('latin1');
    const joined = joinBytes(this.#partial, bytes);
    const end = endOfCharacters(joined);
    this.#partial = end === joined.length ? nothing : Buffer.from(joined.subarray(end));
    try {
      return utf8.decode(joined.subarray(0, end));
    } catch {
      throw new StreamError('unsupported-encoding', 'The stream is not UTF-8.');
    }
  }

  #parse(): void {
    const text = this.#text;
    while (this.#at < text.length && !this.#isDead && !this.#isPaused) this.#at = this.#step(text, this.#at);
    if (this.#at === text.length || this.#isDead) this.#settle(text);
  }

  /** The text at hand has been read: counts what of it belongs to the stanza under way. */
  #settle(text: string): void {
    if (this.#boundary === -1) this.#used += this.#textBytes;
    else this.#used = Buffer.byteLength(text.slice(this.#boundary)) + this.#partial.length;
    // White space between stanzas keeps a connection alive; it is nobody's, so it counts for nothing.
    if (this.#isBetweenStanzas && this.#state === 'text') this.#used = 0;
    this.#text = '';
  }

  /** Reads on from `at` to the end of the token under way or of the text; answers where it got to. */
  #step(text: string, at: number): number {
    switch (this.#state) {
      case 'text':
        return this.#readText(text, at);
      case 'markup':
        return this.#readMarkup(text, at);
      case 'cdata':
        return this.#readUntil(cdataEnd, text, at, (raw) => this.#addText(readCdata, raw));
      case 'declaration':
        return this.#readUntil('?>', text, at, checkDeclaration);
      default:
        return this.#readTag(text, at);
    }
  }

  get #isBetweenStanzas(): boolean {
    return this.#open.length === 1 && this.#skipped === 0;
  }

  #readText(text: string, at: number): number {
    const found = text.indexOf('<', at);
    const end = found === -1 ? text.length : found;
    if (end > at) this.#takeText(text.slice(at, end));
    if (found === -1) return end;
    if (this.#pieces.length > 0) this.#addText(readText, this.#join(''));
    if (this.#isBetweenStanzas) this.#boundary = found;
    this.#state = 'markup';
    return found + 1;
  }

  #takeText(raw: string): void {
    if (this.#skipped > 0) return;
    if (this.#open.length > 1) this.#pieces.push(raw);
    else if (notSpace.test(raw))
      throw this.#open.length === 1 ? textBetweenStanzas() : malformed('This is no XML.');
  }

  /** Finds out what a `<` begins; of the forms with `!` and `?` only two are taken. */
  #readMarkup(text: string, start: number): number {
    let head = this.#join('');
    if (head === '' && text[start] === '/') return this.#begin('endTag', start + 1);
    if (head === '' && text[start] !== '!' && text[start] !== '?') return this.#begin('tag', start);
    for (let at = start; at < text.length; at++) {
      head += text[at];
      if (head === cdataStart) return this.#beginCdata(at + 1);
      if (declarationStart.test(head)) return this.#beginDeclaration(at + 1);
      if (!cdataStart.startsWith(head) && !'?xml'.startsWith(head)) throw refusal(head);
    }
    this.#pieces = [head];
    return text.length;
  }

  #begin(state: State, at: number): number {
    this.#state = state;
    this.#isAtStart = false;
    return at;
  }

  #beginCdata(at: number): number {
    if (this.#open.length <= 1 && this.#skipped === 0) throw textBetweenStanzas();
    return this.#begin('cdata', at);
  }

  #beginDeclaration(at: number): number {
    if (!this.#isAtStart) throw malformed('An XML declaration is the first thing or absent.');
    return this.#begin('declaration', at);
  }

  /** Reads to the end of a tag: the first `>` that is not in an attribute's value. */
  #readTag(text: string, start: number): number {
    let quote = this.#quote;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === lessThan) throw malformed('A tag is malformed.');
      if (quote !== 0) {
        if (code === quote) quote = 0;
      } else if (code === greaterThan) {
        this.#quote = 0;
        this.#endOfTag(this.#join(text.slice(start, at)));
        return at + 1;
      } else if (code === doubleQuote || code === singleQuote) quote = code;
    }
    this.#quote = quote;
    this.#pieces.push(text.slice(start));
    return text.length;
  }

  /** Reads to a terminator and hands over what stands before it. */
  #readUntil(terminator: string, text: string, at: number, take: (raw: string) => void): number {
    const tail = this.#tail;
    const window = tail + text.slice(at);
    const found = window.indexOf(terminator);
    if (found === -1) {
      this.#pieces.push(text.slice(at));
      this.#tail = window.slice(1 - terminator.length);
      return text.length;
    }
    const end = at + found - tail.length + terminator.length;
    const raw = this.#join(text.slice(at, end));
    this.#tail = '';
    this.#state = 'text';
    take(raw.slice(0, -terminator.length));
    return end;
  }

  /** The token under way, complete with its last piece. */
  #join(last: string): string {
    if (this.#pieces.length === 0) return last;
    const token = this.#pieces.join('') + last;
    this.#pieces = [];
    return token;
  }

  #endOfTag(raw: string): void {
    const isEnd = this.#state === 'endTag';
    this.#state = 'text';
    if (isEnd) this.#close(readEndTag(raw));
    else this.#start(raw);
  }

  #start(raw: string): void {
    const opening = raw.endsWith('/') ? 0 : 1;
    if (this.#skipped > 0) {
      this.#skipped += opening;
      return;
    }
    const parent = this.#open.at(-1);
    const tag = this.#orDrop(() => this.#readStart(raw, parent), opening);
    if (tag === undefined) return;
    const space = this.#contentNamespaces.includes(tag.ns) ? ns.client : tag.ns;
    this.#open.push({ tag, ns: space, children: [] });
    if (parent === undefined) this.#openStream(tag);
    if (tag.isEmpty && !this.#isDead) this.#close(tag.qname);
  }

  #readStart(raw: string, parent: Open | undefined): Tag {
    if (this.#open.length > this.#limits.depth) {
      throw new StreamError('policy-violation', 'Elements are nested too deeply.');
    }
    if (this.#open.length === 1) this.#elements = 0;
    this.#elements++;
    if (this.#elements > this.#limits.elements) {
      throw new StreamError('policy-violation', `A stanza has at most ${this.#limits.elements} elements.`);
    }
    const tag = readTag(raw, parent?.tag.scope ?? rootScope, this.#limits);
    if (parent !== undefined) this.#weigh(tag, parent.tag);
    return tag;
  }

  /** Counts a namespace that a prefix declared elsewhere stands for, and that would have to be written out here. */
  #weigh(tag: Tag, parent: Tag): void {
    if (this.#open.length === 1) this.#expansion = 0;
    if (tag.ns === parent.ns || declaresOwnNamespace(tag, parent.scope)) return;
    this.#expansion += tag.ns.length + declarationLength;
    const bytes = this.#boundary === -1 ? this.#used : 0;
    if (bytes + this.#expansion > this.#limits.stanzaBytes) throw tooLarge(this.#limits);
  }

  /** What `read` gives, or undefined if it fails and that costs the stanza under way, with `opening` elements more. */
  #orDrop<T>(read: () => T, opening: number): T | undefined {
    try {
      return read();
    } catch (error) {
      const [root, stanza] = this.#open;
      if (!(error instanceof StreamError) || this.#onDropped === undefined || root === undefined) throw error;
      this.#skipped = this.#open.length - 1 + opening;
      this.#open.length = 1;
      this.#onDropped(error, stanza && new Element(stanza.tag.name, stanza.ns, stanza.tag.attrs));
      return undefined;
    }
  }

  #openStream({ name, ns: space, attrs, scope }: Tag): void {
    if (name !== 'stream') throw new StreamError('bad-format', 'The stream begins with <stream:stream>.');
    if (space !== ns.streams) throw new StreamError('invalid-namespace', `The stream is in ${ns.streams}.`);
    this.#handler.onOpen(new Element(name, space, attrs), defaultNamespace(scope));
  }

  #close(qname: string): void {
    if (this.#skipped > 0) {
      this.#skipped--;
      return;
    }
    const closed = this.#open.pop();
    if (closed?.tag.qname !== qname) throw malformed('An end tag does not match.');
    const parent = this.#open.at(-1);
    if (parent === undefined) {
      this.#isDead = true;
      this.#handler.onClose();
      return;
    }
    // A copy has no room for more, which would be most of a small element.
    const children = closed.children.length === 0 ? noChildren : closed.children.slice();
    const element = new Element(closed.tag.name, closed.ns, closed.tag.attrs, children);
    if (this.#open.length > 1) parent.children.push(element);
    else this.#handler.onStanza(element);
  }

  /** Text and CDATA next to each other are one text. */
  #addText(read: (raw: string) => string, raw: string): void {
    if (this.#skipped > 0) return;
    const text = this.#orDrop(() => read(raw), 0);
    if (text === undefined) return;
    const children = this.#open.at(-1)?.children ?? [];
    const last = children.at(-1);
    if (typeof last === 'string') children[children.length - 1] = last + text;
    else if (text !== '') children.push(text);
  }
}

const noNamespaces: readonly string[] = [];
const declarationLength = " xmlns=''".length;

function withDefaults(limits: Partial<ParserLimits> | undefined): ParserLimits {
  return limits === undefined ? defaultParserLimits : { ...defaultParserLimits, ...limits };
}

const asBuffer = (bytes: Uint8Array) =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const joinBytes = (head: Uint8Array, tail: Uint8Array) =>
  head.length === 0 ? tail : Buffer.concat([head, tail]);

/** Where the last character ends that is complete: a character's beginning at the very end is left out. */
function endOfCharacters(bytes: Uint8Array): number {
  const earliest = Math.max(0, bytes.length - 3);
  for (let at = bytes.length - 1; at >= earliest; at--) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc2 && byte <= 0xf4) return at + sequenceLength(byte) > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}

/** How many bytes a character has that begins with this one (RFC 3629 §3). */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  return lead >= 0xe0 ? 3 : 2;
}

function checkDeclaration(raw: string): void {
  const match = declaration.exec(raw.replace(/[\t\n\r]/g, ' '));
  if (match === null) throw malformed('The XML declaration is malformed.');
  const encoding = match[3] ?? 'utf-8';
  if (encoding.toLowerCase() !== 'utf-8') throw new StreamError('unsupported-encoding', 'Use UTF-8.');
}

/** Why markup that begins like this is not taken (RFC 6120 §11.1). */
function refusal(head: string): StreamError {
  if (head.startsWith('?'))
    return new StreamError('restricted-xml', 'Processing instructions are not allowed.');
  if (head === '!-') return new StreamError('restricted-xml', 'Comments are not allowed.');
  if (head === '!D') return new StreamError('restricted-xml', 'A DTD is not allowed.');
  return malformed('Markup is malformed.');
}

const textBetweenStanzas = () => new StreamError('bad-format', 'Text between stanzas is not allowed.');

const tooLarge = ({ stanzaBytes }: ParserLimits) =>
  new StreamError('policy-violation', `A stanza has at most ${stanzaBytes} bytes.`);
