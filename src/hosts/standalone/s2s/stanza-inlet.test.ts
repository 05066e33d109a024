import { describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { letter } from '../../../../tests/harness/s2s.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { StreamError } from '../../../xmpp/stream-error.js';
import { StanzaInlet } from './stanza-inlet.js';

const pair = { local: 'alpha.example', remote: 'beta.example' };

function inlet() {
  const routed: Element[] = [];
  const { events, recorded } = recordingEvents();
  const made = new StanzaInlet({
    address: (text) => Jid.tryParse(text),
    isLocal: (domain) => domain === 'alpha.example' || domain === 'rooms.alpha.example',
    route: (stanza) => void routed.push(stanza),
    events,
  });
  made.open(pair);
  return { inlet: made, routed, recorded };
}

const from = (sender: string | undefined, receiver: string | undefined) =>
  letter('beta.example', 'alpha.example', 'x').withAttrs({ from: sender, to: receiver });

describe('a stanza', () => {
  it('passes as it is between domains that may talk', () => {
    const { inlet: open, routed } = inlet();
    const stanza = letter('beta.example', 'alpha.example', 'x');
    void open.take(stanza);
    expect(routed[0]).toBe(stanza);
  });

  it('passes with its addresses prepared', () => {
    const { inlet: open, routed } = inlet();
    void open.take(from('Ana@BETA.example/Home', 'bob@alpha.example.'));
    expect(routed[0]).toMatchObject({ attrs: { from: 'ana@beta.example/Home', to: 'bob@alpha.example' } });
  });

  it.each([
    ['a sender of another domain', from('ana@gamma.example', 'bob@alpha.example'), 'invalid-from'],
    ['a sender of a domain below', from('ana@x.beta.example', 'bob@alpha.example'), 'invalid-from'],
    ['a sender of ours', from('ana@alpha.example', 'bob@alpha.example'), 'invalid-from'],
    ['a receiver elsewhere', from('ana@beta.example', 'bob@gamma.example'), 'host-unknown'],
    [
      'a receiver at another domain of ours',
      from('ana@beta.example', 'a@rooms.alpha.example'),
      'improper-addressing',
    ],
    ['no sender', from(undefined, 'bob@alpha.example'), 'improper-addressing'],
    ['no receiver', from('ana@beta.example', undefined), 'improper-addressing'],
    [
      'a sender that is no address, of another domain',
      from('a b@gamma.example', 'bob@alpha.example'),
      'invalid-from',
    ],
    ['a sender without a domain', from('ana@', 'bob@alpha.example'), 'improper-addressing'],
    ['a receiver without a domain', from('ana@beta.example', '/x'), 'improper-addressing'],
    ['two signs', from('ana@beta.example@gamma.example', 'bob@alpha.example'), 'improper-addressing'],
  ])('ends the stream with %s', (_what, stanza, condition) => {
    const { inlet: open, routed } = inlet();
    let thrown: unknown;
    try {
      void open.take(stanza);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(StreamError);
    expect(thrown).toMatchObject({ condition });
    expect(routed).toEqual([]);
  });

  it('costs itself alone with a receiver that no user can be', () => {
    const { inlet: open, routed, recorded } = inlet();
    void open.take(from('ana@beta.example/r', 'b b@alpha.example'));
    expect(routed).toMatchObject([
      { attrs: { from: 'alpha.example', to: 'ana@beta.example/r', type: 'error', id: 'x' } },
    ]);
    expect(routed[0]?.child('error')?.child('jid-malformed', ns.stanzaErrors)).toBeDefined();
    expect(recorded).toMatchObject([{ name: 'stanzaDropped', from: 'beta.example' }]);
  });

  it('is not answered if its sender cannot be', () => {
    const { inlet: open, routed, recorded } = inlet();
    void open.take(from('a b@beta.example', 'bob@alpha.example'));
    void open.take(from('ana@beta.example', 'b b@alpha.example').withAttrs({ type: 'error' }));
    expect(routed).toEqual([]);
    expect(recorded).toHaveLength(2);
  });
});

describe('a start tag of what was dropped', () => {
  const start = (sender: string) =>
    el('message', ns.client, { from: sender, to: 'bob@alpha.example', id: 'x' });
  const error = new StreamError('policy-violation', 'Elements are nested too deeply.');

  it('is answered to those who may send', () => {
    const { inlet: open, routed, recorded } = inlet();
    void open.refuse(error, start('ana@beta.example'));
    expect(routed).toMatchObject([
      { attrs: { from: 'bob@alpha.example', to: 'ana@beta.example', type: 'error' } },
    ]);
    expect(recorded).toMatchObject([
      { name: 'stanzaDropped', domain: 'alpha.example', from: 'beta.example' },
    ]);
  });

  it('is answered to nobody else', () => {
    const { inlet: open, routed } = inlet();
    void open.refuse(error, start('ana@gamma.example'));
    void open.refuse(error, undefined);
    void open.refuse(error, el('hello', ns.client, start('ana@beta.example').attrs));
    expect(routed).toEqual([]);
  });
});
