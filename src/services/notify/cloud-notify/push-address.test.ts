import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Jid } from '../../../xmpp/jid.js';
import { addressText, readAddress } from './push-address.js';

const jid = Jid.parse('push.example.net/a<b"ü');

describe('the text of an address', () => {
  it('is read as it was written, whatever the node', () => {
    fc.assert(
      fc.property(fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), (node) => {
        expect(readAddress(addressText({ jid, node }))).toEqual({ jid, node });
      }),
    );
  });

  it('tells no node from an empty one', () => {
    expect(addressText({ jid, node: undefined })).not.toBe(addressText({ jid, node: '' }));
  });

  it.each(['', '{}', '[]', '[7]', '["@"]', '["a.example",7]', '["a.example","n","m"]', '["a.example"'])(
    'is not %j',
    (text) => {
      expect(readAddress(text)).toBeUndefined();
    },
  );
});
