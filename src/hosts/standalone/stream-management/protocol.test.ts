import { describe, expect, it } from 'vitest';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import {
  enabled,
  failed,
  handledTooMany,
  parseCount,
  parseEnable,
  parseResume,
  resumed,
} from './protocol.js';

const sm = (name: string, attrs: Record<string, string>) => el(name, ns.streamManagement, attrs);

describe('stream management on the wire', () => {
  it.each([
    [{}, { isResumable: false, max: undefined }],
    [{ resume: 'true' }, { isResumable: true, max: undefined }],
    [
      { resume: '1', max: '60' },
      { isResumable: true, max: 60 },
    ],
    [{ resume: '0' }, { isResumable: false, max: undefined }],
    [{ resume: 'TRUE' }, undefined],
    [{ max: '0' }, undefined],
    [{ max: '1e3' }, undefined],
    [{ max: '' }, undefined],
  ])('reads wishes: %j', (attrs: Record<string, string>, expected) => {
    expect(parseEnable(sm('enable', attrs))).toEqual(expected);
  });

  it.each([
    [
      { previd: 'x', h: '4294967295' },
      { id: 'x', h: 4_294_967_295 },
    ],
    [
      { previd: 'x', h: '007' },
      { id: 'x', h: 7 },
    ],
    [{ previd: 'x' }, undefined],
    [{ h: '1' }, undefined],
    [{ previd: 'x', h: '4294967296' }, undefined],
    [{ previd: 'x', h: ' 1' }, undefined],
  ])('reads which session is meant: %j', (attrs: Record<string, string>, expected) => {
    expect(parseResume(sm('resume', attrs))).toEqual(expected);
  });

  it('reads counts', () => {
    expect(parseCount(sm('a', { h: '12' }))).toBe(12);
    expect(parseCount(sm('a', {}))).toBeUndefined();
  });

  it('writes as the examples of XEP-0198 do', () => {
    expect(
      [enabled(), enabled({ id: 'i', max: 60 }), resumed('i', 2), failed('item-not-found', 3)].map((one) =>
        serialize(one),
      ),
    ).toEqual([
      "<enabled xmlns='urn:xmpp:sm:3'/>",
      "<enabled xmlns='urn:xmpp:sm:3' id='i' resume='true' max='60'/>",
      "<resumed xmlns='urn:xmpp:sm:3' previd='i' h='2'/>",
      "<failed xmlns='urn:xmpp:sm:3' h='3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
    ]);
    expect(serialize(handledTooMany(10, 8).toElement())).toContain(
      'You acknowledged 10 stanzas, but were sent 8 so far.</text>' +
        "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>",
    );
  });
});
