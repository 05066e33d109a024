import { describe, expect, it } from 'vitest';
import { el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { serialize } from '../../xmpp/serialize.js';
import { message } from '../../xmpp/stanza.js';
import { keptCost, queueCost } from './queue-cost.js';

const cost = (stanza: ReturnType<typeof message>) => queueCost(stanza, serialize(stanza, ns.client));

describe('what a stanza counts for', () => {
  it('is its length for what people write', () => {
    const attrs = {
      from: 'ana@example.org/phone',
      to: 'ben@example.org',
      id: 'abcdef-123456',
      type: 'chat',
    } as const;
    const receipt = el('request', 'urn:xmpp:receipts');
    const stanza = message(attrs, el('body', ns.client, {}, 'Grüße aus der Stadt!'), receipt);
    expect(cost(stanza)).toBe(Buffer.byteLength(serialize(stanza, ns.client)));
  });

  it('is more for very many very small elements', () => {
    const small = Array.from({ length: 10_000 }, () => el('a', ns.client));
    expect(cost(message({}, ...small))).toBeGreaterThan(5 * '<a/>'.length * 10_000);
  });

  it('is about the same for what is kept as it is', () => {
    const short = message(
      { from: 'ana@example.org/phone', id: '1' },
      el('body', ns.client, {}, 'Grüße', el('b', ns.client)),
    );
    const long = message({ id: '1' }, el('body', ns.client, {}, 'x'.repeat(10_000)));
    for (const stanza of [short, long]) {
      expect(keptCost(stanza) / cost(stanza)).toBeGreaterThan(0.7);
      expect(keptCost(stanza) / cost(stanza)).toBeLessThan(1.7);
    }
  });
});
