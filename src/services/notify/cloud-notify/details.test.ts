import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { serialize } from '../../../xmpp/serialize.js';
import { detailsText, readDetails, readDetailsText } from './details.js';

const enable = (...children: Element[]) =>
  el('enable', ns.push, { jid: 'push.example.net', node: 'n-4711', away: 'true' }, ...children);

/** A form with all that could get lost: white space, foreign elements and attributes, an empty value, signs. */
const form = el(
  'x',
  ns.dataForms,
  { type: 'submit', 'xml:lang': 'de' },
  '\n  ',
  el(
    'field',
    ns.dataForms,
    { var: 'FORM_TYPE', type: 'hidden' },
    el('value', ns.dataForms, {}, ns.publishOptions),
  ),
  el(
    'field',
    ns.dataForms,
    { var: 'secret', note: `'"&<>\n\t` },
    el('value', ns.dataForms, {}, ' s-9f2e ]]> ü😀 '),
  ),
  el('field', ns.dataForms, { var: 'empty' }, el('value', ns.dataForms)),
  el('more', 'urn:example:more', {}, el('x', '')),
);

const rooms = el(
  'groupchat',
  ns.pushRooms,
  {},
  el('room', ns.pushRooms, { jid: 'team@rooms.example.org', allow: 'mentioned', nick: 'Ana' }),
);

describe('the text of details', () => {
  it('is read as the request was', () => {
    const request = enable(form, rooms, el('priority', ns.pushPriority), el('jingle', ns.pushCalls));
    expect(readDetailsText(detailsText(request))).toEqual(readDetails(request));
  });

  it('keeps the options to the letter', () => {
    const options = readDetailsText(detailsText(enable(form)))?.options;
    expect(options).toEqual(form);
    expect(options && serialize(options)).toBe(serialize(form));
  });

  it.each([
    ['without a type', el('x', ns.dataForms)],
    [
      'with another FORM_TYPE',
      el('x', ns.dataForms, { type: 'result' }, el('field', ns.dataForms, { var: 'FORM_TYPE' })),
    ],
  ])('keeps options %s', (_what, options) => {
    expect(readDetailsText(detailsText(enable(options)))?.options).toEqual(options);
  });

  it('is the same for the same, and has nothing that nobody knows', () => {
    const text = detailsText(enable(form, rooms));
    expect(detailsText(enable(rooms, el('new', 'urn:example:new', {}, 'secret'), form))).toBe(text);
    expect(text).not.toContain('n-4711');
  });

  it.each([
    ['the first of two forms', enable(form, el('x', ns.dataForms)), form],
    ['no form', enable(), undefined],
    ['no form of another namespace', enable(el('x', 'jabber:x:other')), undefined],
  ])('has %s', (_what, request, options) => {
    expect(readDetailsText(detailsText(request))?.options).toEqual(options);
  });

  it('has options of 8 KiB at most', () => {
    const empty = serialize(el('x', ns.dataForms, {}, ' ')).length - 1;
    const options = (bytes: number) => el('x', ns.dataForms, {}, 'x'.repeat(bytes - empty));
    expect(readDetailsText(detailsText(enable(options(8192))))?.options).toEqual(options(8192));
    expect(() => detailsText(enable(options(8193)))).toThrow(
      expect.objectContaining({ condition: 'policy-violation', type: 'modify' }),
    );
  });

  it('has 64 KiB at most', () => {
    const item = (index: number) => el('item', ns.pushMuted, { jid: `user${index}@example.org` });
    const muted = (count: number) =>
      el('muted', ns.pushMuted, {}, ...Array.from({ length: count }, (_, i) => item(i)));
    expect(readDetailsText(detailsText(enable(muted(1500))))?.extensions.rules.muted.size).toBe(1500);
    expect(() => detailsText(enable(muted(3000)))).toThrow(
      expect.objectContaining({ condition: 'policy-violation', type: 'modify' }),
    );
  });

  it.each([
    ['nothing', ''],
    ['another form of it', `2${detailsText(enable()).slice(1)}`],
    ['half of it', detailsText(enable(form)).slice(0, -7)],
    ['two of it', detailsText(enable()) + detailsText(enable()).slice(1)],
    ['another element', '1<disable xmlns="urn:xmpp:push:0"/>'],
    ['JSON', '{"version":1}'],
    ['what is refused now', detailsText(enable(el('encrypt', ns.pushEncryption, { alg: 'rot13' })))],
  ])('is not read from %s', (_what, text) => {
    expect(readDetailsText(text)).toBeUndefined();
  });
});
