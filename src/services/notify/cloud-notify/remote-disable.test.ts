import { describe, expect, it } from 'vitest';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { readDisableNotice } from './remote-disable.js';

const account = Jid.parse('ana@example.org');
const from = 'push.example.net';

const message = (attrs: Record<string, string>, ...children: Element[]) =>
  el('message', ns.client, { from, to: 'ana@example.org', ...attrs }, ...children);
const affiliation = (jid: string, value: string) => el('affiliation', ns.pubsub, { jid, affiliation: value });
const pubsub = (attrs: Record<string, string>, ...children: Element[]) =>
  el('pubsub', ns.pubsub, attrs, ...children);
const none = affiliation('ana@example.org', 'none');

describe('a notice that an app server stops', () => {
  it.each<[string, Element, object]>([
    ['one device', message({}, pubsub({ node: 'n-4711' }, none)), { node: 'n-4711' }],
    ['all of its devices', message({}, pubsub({}, none)), { node: undefined }],
    ['the account in another spelling', message({}, pubsub({}, affiliation('ANA@example.org', 'none'))), {}],
    [
      'others too',
      message({}, pubsub({ node: 'n' }, affiliation('bob@example.org', 'member'), none)),
      { node: 'n' },
    ],
  ])('is about %s', (_what, stanza, notice) => {
    expect(readDisableNotice(account, stanza)).toMatchObject({ from: Jid.parse(from), ...notice });
  });

  it.each<[string, Element]>([
    ['another message', message({}, el('body', ns.client, {}, 'Wine?'))],
    ['no affiliation', message({}, pubsub({ node: 'n-4711' }))],
    ['another affiliation', message({}, pubsub({}, affiliation('ana@example.org', 'publish-only')))],
    ['another account', message({}, pubsub({}, affiliation('bob@example.org', 'none')))],
    ['a device of the account', message({}, pubsub({}, affiliation('ana@example.org/phone', 'none')))],
    [
      'an affiliation of nobody',
      message({}, pubsub({}, el('affiliation', ns.pubsub, { affiliation: 'none' }))),
    ],
    ['an element of another namespace', message({}, el('pubsub', 'urn:example:other', {}, none))],
    [
      'a child of another namespace',
      message({}, pubsub({}, el('affiliation', 'urn:example:other', none.attrs))),
    ],
    ['an error, which repeats what was sent', message({ type: 'error' }, pubsub({}, none))],
    ['from nobody', message({ from: '@' }, pubsub({}, none))],
  ])('is not %s', (_what, stanza) => {
    expect(readDisableNotice(account, stanza)).toBeUndefined();
  });
});
