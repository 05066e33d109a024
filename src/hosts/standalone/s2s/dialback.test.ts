import { describe, expect, it } from 'vitest';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { StanzaError } from '../../../xmpp/stanza-error.js';
import { dialbackAnswer, dialbackKey, dialbackRequest, isDialbackKey, readDialback } from './dialback.js';

const secret = Buffer.from('s3cr3tf0rd14lb4ck');
const scope = { receiving: 'xmpp.example.com', originating: 'example.org', streamId: 'D60000229F' };
const key = '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643';
const pair = { local: 'alpha.example', remote: 'beta.example' };

describe('a key', () => {
  it('is made as in the examples of XEP-0185 and XEP-0220', () => {
    expect(dialbackKey(secret, scope)).toBe(key);
    const other = { receiving: 'montague.example', originating: 'capulet.example', streamId: 'D60000229F' };
    expect(dialbackKey(secret, other)).toBe(
      'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3',
    );
  });

  it('is good for one stream, one direction and two domains', () => {
    expect(isDialbackKey(secret, scope, key)).toBe(true);
    const { receiving, originating } = scope;
    for (const wrong of [
      { ...scope, streamId: 'D60000229E' },
      { ...scope, receiving: 'example.com' },
      { ...scope, originating: 'example.net' },
      { ...scope, receiving: originating, originating: receiving },
    ])
      expect(isDialbackKey(secret, wrong, key)).toBe(false);
    expect(isDialbackKey(Buffer.from('another'), scope, key)).toBe(false);
  });

  it.each(['', key.slice(1), key.toUpperCase(), `${key}0`, 'é'.repeat(32)])('is not %j', (shown) => {
    expect(isDialbackKey(secret, scope, shown)).toBe(false);
  });
});

describe('an element of dialback', () => {
  const result = (attrs: Record<string, string | undefined>, key = '') =>
    el('result', ns.dialback, { from: 'beta.example', to: 'alpha.example', ...attrs }, key);

  it('is read with prepared domains, white space around the key left out', () => {
    const read = readDialback(result({ from: 'BETA.example', to: 'Alpha.Example.' }, ` ${key}\n`));
    expect(read).toEqual({ kind: 'result', pair, type: undefined, id: undefined, key });
  });

  it.each([
    ['without a sender', result({ from: undefined })],
    ['without a receiver', result({ to: undefined })],
    ['between users', result({ from: 'ana@beta.example' })],
    ['between resources', result({ to: 'alpha.example/x' })],
    ['between what is no domain', result({ to: 'a b' })],
    ['of another name', el('results', ns.dialback, { from: 'beta.example', to: 'alpha.example' })],
    ['of another namespace', el('result', ns.client, { from: 'beta.example', to: 'alpha.example' })],
  ])('is none %s', (_what, element) => {
    expect(readDialback(element)).toBeUndefined();
  });

  it('is written with the prefix that all know', () => {
    expect(serialize(dialbackRequest('verify', pair, 'abc', 'id1'), ns.client)).toBe(
      `<db:verify from='alpha.example' to='beta.example' id='id1'>abc</db:verify>`,
    );
    const request = { kind: 'result', pair, type: undefined, id: undefined, key: 'abc' } as const;
    expect(serialize(dialbackAnswer(request, 'valid'), ns.client)).toBe(
      `<db:result from='alpha.example' to='beta.example' type='valid'/>`,
    );
    expect(serialize(dialbackAnswer(request, new StanzaError('item-not-found')), ns.client)).toBe(
      `<db:result from='alpha.example' to='beta.example' type='error'><error type='cancel'>` +
        `<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>`,
    );
  });
});
