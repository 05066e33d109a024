import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { Element, type Node } from './element.js';
import { ns } from './ns.js';
import { defaultParserLimits, type ParserLimits, StreamParser } from './parser.js';
import { serialize } from './serialize.js';
import { StreamError } from './stream-error.js';

const header = `<stream:stream xmlns='jabber:client' xmlns:stream='${ns.streams}' id='s1'>`;

interface Reading {
  readonly events: (string | Element)[];
  readonly error: string | undefined;
}

/** Everything a parser says about the chunks, the error's condition last. */
function read(chunks: readonly (string | Uint8Array)[], limits: Partial<ParserLimits> = {}): Reading {
  const events: (string | Element)[] = [];
  const parser = new StreamParser(
    {
      onOpen: (opened) => events.push('open', opened),
      onStanza: (stanza) => events.push(stanza),
      onClose: () => events.push('close'),
    },
    { limits, contentNamespaces: [ns.componentAccept, ns.server] },
  );
  try {
    for (const chunk of chunks) parser.write(Buffer.from(chunk));
    return { events, error: undefined };
  } catch (error) {
    if (!(error instanceof StreamError)) throw error;
    return { events, error: error.condition };
  }
}

const byteByByte = (text: string) => [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));

const stanzasOf = ({ events }: Reading) => events.filter((event) => event instanceof Element).slice(1);

/** The bytes in pieces, cut where the numbers say. */
function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...at, bytes.length].map((end, index) => bytes.subarray(at[index - 1] ?? 0, end));
}

describe('StreamParser', () => {
  it('delivers header, stanzas and end, whatever stands between them', () => {
    const { events, error } = read([
      `<?xml version='1.0'?>\n${header} \n<message/>\t<iq id='1'><q xmlns='u:x'/></iq>\n</stream:stream>`,
    ]);
    expect(error).toBeUndefined();
    expect(events).toEqual([
      'open',
      new Element('stream', ns.streams, { id: 's1' }),
      new Element('message', ns.client),
      new Element('iq', ns.client, { id: '1' }, [new Element('q', 'u:x')]),
      'close',
    ]);
  });

  it('delivers content namespaces as jabber:client, at any depth', () => {
    const accept = header.replace('jabber:client', ns.componentAccept);
    const [stanza] = stanzasOf(
      read([`${accept}<iq><error/><x xmlns='u:x'><y/></x><b xmlns='jabber:server'/></iq>`]),
    );
    expect(stanza).toEqual(
      new Element('iq', ns.client, {}, [
        new Element('error', ns.client),
        new Element('x', 'u:x', {}, [new Element('y', 'u:x')]),
        new Element('b', ns.client),
      ]),
    );
  });

  it('joins text that entities and CDATA take apart', () => {
    const [stanza] = stanzasOf(read([`${header}<m>a&amp;b<![CDATA[<c>]]>&#x1F514;&#10;</m>`]));
    expect(stanza?.children).toEqual(['a&b<c>🔔\n']);
  });

  it('finds the end of CDATA wherever the bytes are cut', () => {
    for (let length = 0; length < 8; length++) {
      for (const content of ['x'.repeat(length), ']'.repeat(length), `]>${'x'.repeat(length)}]`]) {
        const text = `${header}<m><![CDATA[${content}]]></m>`;
        const stanza = new Element('m', ns.client, {}, content === '' ? [] : [content]);
        for (const chunks of [[text], byteByByte(text), split(Buffer.from(text), [text.length - 6])]) {
          expect(stanzasOf(read(chunks))).toEqual([stanza]);
        }
      }
    }
  });

  it('takes character references with leading zeros', () => {
    const [stanza] = stanzasOf(read([`${header}<m>&#x0000000041;&#00000000066;</m>`]));
    expect(stanza?.text()).toBe('AB');
  });

  it('keeps xml:lang and drops declarations; odd names are plain attributes', () => {
    const [stanza] = stanzasOf(
      read([`${header}<m xml:lang='de' xmlns:a='u:a' a:b='1' __proto__='2' constructor='3'/>`]),
    );
    expect(Object.entries(stanza?.attrs ?? {})).toEqual([
      ['xml:lang', 'de'],
      ['a:b', '1'],
      ['__proto__', '2'],
      ['constructor', '3'],
    ]);
    expect(stanza?.attr('toString')).toBeUndefined();
  });

  it('stops in the middle of a chunk when a handler says so', () => {
    const seen: string[] = [];
    const parser = new StreamParser({
      onOpen: () => {},
      onStanza: (stanza) => {
        seen.push(stanza.name);
        parser.stop();
      },
      onClose: () => seen.push('close'),
    });
    parser.write(Buffer.from(`${header}<starttls/><message/><<<`));
    parser.write(Buffer.from('<presence/></stream:stream>'));
    expect(seen).toEqual(['starttls']);
  });

  it('is dead after an error and after the end', () => {
    const seen: string[] = [];
    const parser = new StreamParser({
      onOpen: () => seen.push('open'),
      onStanza: ({ name }) => seen.push(name),
      onClose: () => seen.push('close'),
    });
    parser.write(Buffer.from(`${header}<a/>`));
    expect(() => parser.write(Buffer.from('<b></c>'))).toThrow(StreamError);
    parser.write(Buffer.from('<d/></stream:stream>'));
    expect(seen).toEqual(['open', 'a']);
    expect(read([`${header}</stream:stream>`, '<x/>', '<'])).toMatchObject({ error: undefined });
  });

  it("lets a handler's own error out and is dead then", () => {
    const parser = new StreamParser({
      onOpen: () => {},
      onStanza: () => {
        throw new RangeError('mine');
      },
      onClose: () => {},
    });
    expect(() => parser.write(Buffer.from(`${header}<a/>`))).toThrow('mine');
    expect(() => parser.write(Buffer.from('<a/>'))).not.toThrow();
  });
});

const bomb = `<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>`;

describe('what RFC 6120 forbids', () => {
  it.each([
    ['a DTD', `${bomb}${header}<m>&b;</m>`, 'restricted-xml'],
    ['a DTD inside', `${header}${bomb}`, 'restricted-xml'],
    ['an entity beyond the five', `${header}<m>&nbsp;</m>`, 'restricted-xml'],
    ['a comment', `${header}<m><!-- x --></m>`, 'restricted-xml'],
    ['a comment between stanzas', `${header}<!-- x -->`, 'restricted-xml'],
    ['a processing instruction', `${header}<m><?php x?></m>`, 'restricted-xml'],
    ['another encoding', `<?xml version='1.0' encoding='ISO-8859-1'?>${header}`, 'unsupported-encoding'],
    ['an XML declaration that is not the first thing', `${header}<?xml version='1.0'?>`, 'not-well-formed'],
    ['other white space in the XML declaration', `<?xml version\u00a0='1.0'?>${header}`, 'not-well-formed'],
    ['a byte order mark', `\ufeff${header}`, 'not-well-formed'],
    ['another root', `<stream xmlns='${ns.client}'>`, 'invalid-namespace'],
    ['a root of another name', `<stream:features xmlns:stream='${ns.streams}'>`, 'bad-format'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'not-well-formed'],
    ['text between stanzas', `${header}<m/>x<m/>`, 'bad-format'],
    ['a no-break space between stanzas', `${header}<m/>\u00a0<m/>`, 'bad-format'],
    ['an undeclared prefix', `${header}<x:m/>`, 'not-well-formed'],
    ['the prefix xmlns', `${header}<xmlns:m/>`, 'not-well-formed'],
    ['an element with the prefix xml', `${header}<xml:m/>`, 'bad-namespace-prefix'],
    ['an undeclared prefix of an attribute', `${header}<m x:y='1'/>`, 'not-well-formed'],
    ['the same attribute twice', `${header}<m a='1' a='2'/>`, 'not-well-formed'],
    [
      'the same attribute by two prefixes',
      `${header}<m xmlns:p='u' xmlns:q='u' p:a='1' q:a='2'/>`,
      'not-well-formed',
    ],
    ['crossed tags', `${header}<a><b></a></b>`, 'not-well-formed'],
    ['a wrong end of the stream', `${header}</stream>`, 'not-well-formed'],
    ['an unquoted attribute', `${header}<m a=1/>`, 'not-well-formed'],
    ['< in an attribute', `${header}<m a='<'/>`, 'not-well-formed'],
    [']]> in text', `${header}<m>]]></m>`, 'not-well-formed'],
    ['a bare ampersand', `${header}<m>a & b</m>`, 'not-well-formed'],
    ['a control character', `${header}<m>\u0001</m>`, 'not-well-formed'],
    ['a reference to a control character', `${header}<m>&#1;</m>`, 'not-well-formed'],
    ['XML 1.1 and its control characters', `<?xml version='1.1'?>${header}<m>&#1;</m>`, 'not-well-formed'],
    ['a reference to a surrogate', `${header}<m>&#xD800;</m>`, 'not-well-formed'],
    ['another meaning of xml', `${header}<m xmlns:xml='u:x'/>`, 'not-well-formed'],
  ])('%s', (_name, text, condition) => {
    expect(read([text]).error).toBe(condition);
    expect(read(byteByByte(text)).error).toBe(condition);
  });

  it.each([
    ['a byte that UTF-8 has not', [0xff]],
    ['an overlong form', [0xc0, 0xbc]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a cut character', [0xe2, 0x82, 0x3c]],
  ])('%s', (_name, bytes) => {
    expect(read([`${header}<m>`, Uint8Array.from(bytes), '</m>']).error).toBe('unsupported-encoding');
  });
});

describe('flaws of third parties', () => {
  function readDropping(chunks: readonly Uint8Array[]) {
    const stanzas: string[] = [];
    const dropped: (string | undefined)[] = [];
    const parser = new StreamParser(
      {
        onOpen: () => {},
        onStanza: ({ name: tag }) => stanzas.push(tag),
        onClose: () => stanzas.push('close'),
      },
      { onDropped: (_error, start) => dropped.push(start?.attr('id')) },
    );
    for (const chunk of chunks) parser.write(chunk);
    return { stanzas, dropped };
  }
  const many = Array.from({ length: 70 }, (_, n) => `a${n}=''`).join(' ');

  it.each([
    ['attributes', `<x ${many}/>`],
    ['attributes of an element with children', `<x ${many}><y a='>'/>text<![CDATA[</x>]]></x>`],
    ['depth', `${'<x>'.repeat(80)}t${'</x>'.repeat(80)}`],
    ['names', `<${'n'.repeat(300)}/>`],
    ['an undeclared prefix', '<p:x><p:y/></p:x>'],
    ['an entity', '<x>a&nope;b</x>'],
    ['a character', '<x>\u0001</x>'],
  ])('%s cost the stanza and not the stream', (_name, inside) => {
    const text = `${header}<a/><m id='1'>${inside}<z/></m> \n<b/><m id='2'>${inside}</m><c/></stream:stream>`;
    const bytes = Buffer.from(text);
    const expected = { stanzas: ['a', 'b', 'c', 'close'], dropped: ['1', '2'] };
    expect(readDropping([bytes])).toEqual(expected);
    expect(readDropping([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it("of the stanza's own tag too", () => {
    const text = `${header}<m ${many}/><a/><m ${many}>x</m><b/>`;
    expect(readDropping([Buffer.from(text)])).toEqual({
      stanzas: ['a', 'b'],
      dropped: [undefined, undefined],
    });
  });

  it('but what cannot be told apart ends the stream, and so does the bound in bytes', () => {
    for (const text of ['<m><!-- x -->', '<m><x></m>', '<m <', `<m>${'x'.repeat(300_000)}`]) {
      expect(() => readDropping([Buffer.from(header + text)])).toThrow(StreamError);
    }
    const huge = `<m ${many}>${'x'.repeat(300_000)}`;
    expect(() => readDropping([Buffer.from(header + huge)])).toThrow(/at most/);
  });
});

describe('a pause', () => {
  interface Paused {
    readonly parser: StreamParser;
    readonly seen: string[];
  }

  /** A parser that pauses at every stanza. */
  function pausing(onStanza: (parser: StreamParser, stanza: Element) => void = () => {}): Paused {
    const seen: string[] = [];
    const parser: StreamParser = new StreamParser({
      onOpen: (opened, space) => seen.push(`open ${opened.attr('id')} ${space}`),
      onStanza: (stanza) => {
        seen.push(`${stanza.name} ${stanza.text()}`);
        parser.pause();
        onStanza(parser, stanza);
      },
      onClose: () => seen.push('close'),
    });
    return { parser, seen };
  }

  const text = `${header}<a>1</a> <b>é🔔</b>\n<c><![CDATA[x]]></c><d/></stream:stream>`;
  const expected = ['open s1 jabber:client', 'a 1', 'b é🔔', 'c x', 'd ', 'close'];

  it('holds all that follows, and a resumption delivers one more', () => {
    const { parser, seen } = pausing();
    parser.write(Buffer.from(text));
    for (let count = 2; count <= 5; count++) {
      expect(seen).toEqual(expected.slice(0, count));
      parser.resume();
    }
    expect(seen).toEqual(expected);
  });

  it('keeps what is written meanwhile', () => {
    const { parser, seen } = pausing();
    for (const chunk of byteByByte(text)) parser.write(chunk);
    expect(seen).toEqual(expected.slice(0, 2));
    for (let count = 2; count <= 5; count++) parser.resume();
    expect(seen).toEqual(expected);
  });

  it('changes nothing, wherever the bytes are cut and whenever it ends', () => {
    fc.assert(
      fc.property(fc.array(fc.nat()), fc.array(fc.boolean()), (cuts, resumptions) => {
        const { parser, seen } = pausing();
        split(Buffer.from(text), cuts).forEach((chunk, index) => {
          parser.write(chunk);
          if (resumptions[index] === true) parser.resume();
        });
        for (let count = 0; count < 5; count++) parser.resume();
        expect(seen).toEqual(expected);
      }),
    );
  });

  it('does not hide errors, and is over when the parser is stopped', () => {
    const { parser, seen } = pausing();
    parser.write(Buffer.from(`${header}<a/><b></a>`));
    expect(() => parser.resume()).toThrow(StreamError);
    expect(() => parser.resume()).not.toThrow();
    const stopped = pausing();
    stopped.parser.write(Buffer.from(text));
    stopped.parser.stop();
    stopped.parser.resume();
    expect([seen.length, stopped.seen.length]).toEqual([2, 2]);
  });

  it('counts the bytes of a stanza as if it had not been', () => {
    for (const bytes of [300, 301]) {
      const filler = `<m>${'x'.repeat(bytes - '<m></m>'.length)}</m>`;
      const seen: string[] = [];
      const parser: StreamParser = new StreamParser(
        {
          onOpen: () => {},
          onStanza: ({ name: tag }) => {
            seen.push(tag);
            parser.pause();
          },
          onClose: () => {},
        },
        { limits: { stanzaBytes: 300 } },
      );
      const play = () => {
        parser.write(Buffer.from(header.replace('s1', 's')));
        for (const chunk of [`<a/><b/>${filler.slice(0, 20)}`, filler.slice(20)])
          parser.write(Buffer.from(chunk));
        for (let count = 0; count < 3; count++) parser.resume();
      };
      if (bytes === 300) play();
      else expect(play).toThrow('at most 300 bytes');
      expect(seen).toEqual(bytes === 300 ? ['a', 'b', 'm'] : ['a', 'b']);
    }
  });

  it('may end in another stream', () => {
    const { parser, seen } = pausing((it, { name: tag }) => {
      if (tag === 'auth') it.restart({ ...defaultParserLimits, stanzaBytes: 500 });
    });
    const second = header.replace('s1', 's2').replace('jabber:client', 'jabber:server');
    parser.write(Buffer.from(`${header}<auth/> \n<?xml version='1.0'?>${second}<a/>`));
    expect(seen).toEqual(['open s1 jabber:client', 'auth ']);
    parser.resume();
    expect(seen.slice(2)).toEqual(['open s2 jabber:server', 'a ']);
    parser.resume();
    expect(() => parser.write(Buffer.from(`<m>${'x'.repeat(500)}`))).toThrow('at most 500 bytes');
  });

  it('is not between stanzas while there is something to deliver', () => {
    const { parser } = pausing();
    expect(parser.isBetweenStanzas).toBe(false);
    for (const [chunk, isBetween] of [
      [header, true],
      [' ', true],
      ['<a', false],
      ['/>', true],
      ['<b/>', false],
    ] as const) {
      parser.write(Buffer.from(chunk));
      expect([chunk, parser.isBetweenStanzas]).toEqual([chunk, isBetween]);
    }
    parser.resume();
    parser.resume();
    expect(parser.isBetweenStanzas).toBe(true);
  });
});

describe('namespaces that have to be written out', () => {
  const limits = { stanzaBytes: 10_000 };
  const long = `urn:${'x'.repeat(1_000)}`;
  const times = (text: string, count: number) => Array.from({ length: count }, () => text).join('');

  it('count as if they were', () => {
    const few = `<m xmlns:p='${long}'>${times('<p:a/>', 8)}</m>`;
    const many = `<m xmlns:p='${long}'>${times('<p:a/>', 10)}</m>`;
    expect(read([header + few + few + few], limits).error).toBeUndefined();
    expect(read([header + few, many], limits).error).toBe('policy-violation');
    expect(read(byteByByte(header + many), limits).error).toBe('policy-violation');
  });

  it('in both directions, and those of the stream header too', () => {
    const alternating = `<m xmlns:p='${long}'>${times('<p:a><b/></p:a>', 10)}</m>`;
    expect(read([header + alternating], limits).error).toBe('policy-violation');
    const wide = header.replace(' id', ` xmlns:p='${long}' id`);
    expect(read([wide + times('<p:a/>', 50)], limits).error).toBeUndefined();
    expect(read([`${wide}<m>${times('<p:a/>', 50)}</m>`], limits).error).toBe('policy-violation');
  });

  it('cost nothing where they are declared or inherited', () => {
    const declared = times(`<a xmlns='${long}'/>`, 9);
    expect(read([`${header}<m>${declared}</m>`], limits).error).toBeUndefined();
    const inherited = `<p:m xmlns:p='${long}'>${times('<p:a/>', 1_000)}</p:m>`;
    expect(read([header + inherited], limits).error).toBeUndefined();
    const hidden = `<m xmlns:p='${long}'>${times("<p:a xmlns:q='u:q'/>", 10)}</m>`;
    expect(read([header + hidden], limits).error).toBe('policy-violation');
  });

  it('cost a stanza and not the stream where flaws of third parties are dropped', () => {
    const dropped: string[] = [];
    const seen: string[] = [];
    const parser = new StreamParser(
      { onOpen: () => {}, onStanza: ({ name: tag }) => seen.push(tag), onClose: () => {} },
      { limits, onDropped: (error) => dropped.push(error.condition) },
    );
    parser.write(Buffer.from(`${header}<m xmlns:p='${long}'>${times('<p:a/>', 10)}</m><n/>`));
    expect([dropped, seen]).toEqual([['policy-violation'], ['n']]);
  });
});

describe('bounds', () => {
  const limits = { stanzaBytes: 200 };
  const stanzaOf = (bytes: number) => `<m>${'x'.repeat(bytes - '<m></m>'.length)}</m>`;

  it('a stanza may have exactly so many bytes, wherever it is cut', () => {
    const text = `${header}${stanzaOf(200)} \n ${stanzaOf(200)}${stanzaOf(10)}${stanzaOf(200)}`;
    for (const step of [1, 7, 199, 200, 201, 5000]) {
      const bytes = Buffer.from(text);
      const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
        bytes.subarray(i * step, (i + 1) * step),
      );
      const reading = read(chunks, limits);
      expect([step, reading.error, stanzasOf(reading).length]).toEqual([step, undefined, 4]);
    }
  });

  it('and not one more, in one piece or byte by byte', () => {
    const text = `${header}${stanzaOf(50)}${stanzaOf(201)}`;
    expect(read([text], limits).error).toBe('policy-violation');
    expect(read(byteByByte(text), limits).error).toBe('policy-violation');
  });

  it('are the same wherever the bytes are cut, inside a character too', () => {
    const stanza = `<m>${'é€🔔'.repeat(20)}</m>`;
    const bound = { stanzaBytes: Buffer.byteLength(stanza) };
    const exact = Buffer.from(`${header}<m/>${stanza}`);
    const more = Buffer.from(`${header}<m/>${stanza.replace('é', 'yé')}`);
    for (let cut = 0; cut < exact.length; cut++) {
      expect(read(split(exact, [cut]), bound).error).toBeUndefined();
      expect(read(split(more, [cut]), bound).error).toBe('policy-violation');
    }
  });

  it('declarations around an element do not multiply its cost', () => {
    const declarations = Array.from({ length: 60 }, (_, i) => ` xmlns:p${i}='u'`).join('');
    const open = Array.from({ length: 60 }, (_, i) => `<a${declarations.replaceAll('p', `p${i}-`)}>`).join(
      '',
    );
    const stanza = `${open}${"<b xmlns='u'/>".repeat(12_000)}${'</a>'.repeat(60)}`;
    expect(stanzasOf(read([header, stanza]))).toHaveLength(1);
  });

  it('bytes are counted, not characters', () => {
    expect(read([`${header}<m>${'é'.repeat(96)}</m><m/>`], limits).error).toBeUndefined();
    expect(read([`${header}<m/><m>${'é'.repeat(97)}</m>`], limits).error).toBe('policy-violation');
    expect(
      stanzasOf(read([`${header}<m>${'🔔'.repeat(40)}</m><m>${'🔔'.repeat(40)}</m>`], limits)),
    ).toHaveLength(2);
  });

  it('hold for the header too', () => {
    expect(read([header.replace('s1', 's'.repeat(200))], limits).error).toBe('policy-violation');
    expect(read([' '.repeat(300)], limits).error).toBe('policy-violation');
  });

  it.each([
    ['nesting', '<a>'.repeat(100_000)],
    ['attributes', `<m ${Array.from({ length: 10_000 }, (_, i) => `a${i}='1'`).join(' ')}/>`],
    ['declarations', `<m ${Array.from({ length: 10_000 }, (_, i) => `xmlns:a${i}='u:${i}'`).join(' ')}/>`],
    ["an element's name", `<${'m'.repeat(1000)}/>`],
    ["an attribute's name", `<m ${'a'.repeat(1000)}='1'/>`],
    ['an attribute', `<m a='${'x'.repeat(1_000_000)}'/>`],
    ['text', `<m>${'x'.repeat(1_000_000)}</m>`],
    ['an open tag that never ends', `<m${' '.repeat(1_000_000)}`],
  ])('%s', (_name, text) => {
    const pieces = split(
      Buffer.from(text),
      Array.from({ length: 100 }, (_, i) => i * 8191),
    );
    expect(read([header, ...pieces]).error).toBe('policy-violation');
  });

  it('nesting up to the bound is fine', () => {
    const { depth } = defaultParserLimits;
    expect(read([`${header}${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`]).error).toBeUndefined();
    expect(read([`${header}${'<a>'.repeat(depth + 1)}`]).error).toBe('policy-violation');
  });

  it('white space between stanzas neither counts nor stays', () => {
    const spaces = Array.from({ length: 1000 }, () => ' \n');
    const reading = read([header, ...spaces, '<m/>', ...spaces, stanzaOf(200), ' '.repeat(5000)], limits);
    expect([reading.error, stanzasOf(reading).length]).toEqual([undefined, 2]);
  });
});

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const value = fc.string({ unit: 'binary', maxLength: 30 }).map(clean);
const namespace = fc.constantFrom('', 'jabber:client', 'urn:x', 'urn:y&<\'">');

/** What XML can carry, with the line ends that a reader makes of others. */
function clean(text: string): string {
  return text.replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?');
}

const tree = fc.letrec<{ element: Element; node: Node }>((tie) => ({
  element: fc
    .tuple(
      name,
      namespace,
      fc.dictionary(name, value, { maxKeys: 3 }),
      fc.array(tie('node'), { maxLength: 4 }),
    )
    .map(([tag, space, attrs, children]) => new Element(tag, space, attrs, joinText(children))),
  node: fc.oneof({ maxDepth: 4 }, value, tie('element')),
})).element;

function joinText(children: readonly Node[]): Node[] {
  const joined: Node[] = [];
  for (const child of children.filter((one) => one !== '')) {
    const last = joined.at(-1);
    if (typeof child === 'string' && typeof last === 'string') joined[joined.length - 1] = last + child;
    else joined.push(child);
  }
  return joined;
}

describe('properties', () => {
  it('what is serialized comes back, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 4 }), fc.array(fc.nat()), (stanzas, cuts) => {
        const text = header + stanzas.map((stanza) => serialize(stanza, ns.client)).join('\n');
        const reading = read(split(Buffer.from(text), cuts));
        expect(reading.error).toBeUndefined();
        expect(stanzasOf(reading)).toEqual(stanzas);
      }),
    );
  });

  it('garbage gives a StreamError or nothing, the same however it is cut', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '/',
      "'",
      '"',
      '&',
      ';',
      'a',
      ' ',
      '=',
      '<a>',
      '</a>',
      '<a/>',
      '&lt;',
      ']]>',
      '<![CDATA[',
      '<?',
      '?>',
      '<!',
      '--',
      '\r',
      'é',
      '🔔',
      ':',
      'xmlns',
      header,
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (pieces, cuts) => {
        const bytes = Buffer.from(header + pieces.join(''));
        const whole = read([bytes]);
        for (const chunks of [split(bytes, cuts), byteByByte(bytes.toString())]) {
          const parts = read(chunks);
          expect(parts.error).toBe(whole.error);
          expect(parts.events).toEqual(whole.events);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('bytes of any kind throw nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
        expect(() => read([header, ...chunks])).not.toThrow();
      }),
    );
  });

  it('takes what saxes takes and refuses what it refuses', () => {
    const piece = fc.constantFrom(
      ...[
        '<a>',
        '</a>',
        '<a/>',
        '<b c="d">',
        '</b>',
        "<p:e xmlns:p='u:p' p:f=' &#9;&gt;'/>",
        "<g h='1' h='2'/>",
        '<i j="&x;"/>',
      ],
      ...[
        'text',
        '&amp;',
        '&#x41;',
        '&bad;',
        ']]>',
        '<![CDATA[c]]>',
        '\r\n',
        '<k l = "m" />',
        '<n o="p"q="r"/>',
        "<s xmlns=''/>",
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const stanza = `<z>${pieces.join('')}</z>`;
        const reading = read([`${header}${stanza}`]);
        const expected = bySaxes(stanza);
        expect(reading.error === undefined).toBe(expected !== undefined);
        if (expected !== undefined) expect(stanzasOf(reading)).toEqual([expected]);
      }),
      { numRuns: 1000 },
    );
  });
});

/** A stanza as saxes reads it; undefined if it is not well-formed. */
it('takes so many elements in a stanza and no more, in each anew', () => {
  const stanza = '<iq><a/><b><c/></b></iq>';
  expect(stanzasOf(read([header, stanza, stanza], { elements: 4 }))).toHaveLength(2);
  expect(read([header, stanza, stanza], { elements: 3 }).error).toBe('policy-violation');
});

it('costs nothing more for what elements do not have', () => {
  const [stanza] = stanzasOf(read([header, "<iq><a/><b xmlns='urn:b'></b></iq>"]));
  const [a, b] = stanza?.elements() ?? [];
  expect([b?.attrs, stanza?.attrs]).toEqual([a?.attrs, a?.attrs]);
  expect(b?.attrs).toBe(a?.attrs);
  expect(b?.children).toBe(a?.children);
});

function bySaxes(text: string): Element | undefined {
  const root: Node[] = [];
  const lists: Node[][] = [root];
  let isWrong = false;
  const saxes = new SaxesParser({ xmlns: true, additionalNamespaces: { '': ns.client } });
  const add = (node: Node) => lists.at(-1)?.push(node);
  saxes.on('error', () => {
    isWrong = true;
  });
  saxes.on('opentag', () => lists.push([]));
  saxes.on('text', add);
  saxes.on('cdata', add);
  saxes.on('closetag', (tag) => {
    const children = joinText(lists.pop() ?? []);
    const attributes = Object.values(tag.attributes).filter(
      ({ uri }) => uri !== 'http://www.w3.org/2000/xmlns/',
    );
    add(
      new Element(
        tag.local,
        tag.uri,
        Object.fromEntries(attributes.map(({ name, value }) => [name, value])),
        children,
      ),
    );
  });
  saxes.write(text).close();
  const [element] = root;
  return isWrong || typeof element === 'string' ? undefined : element;
}
