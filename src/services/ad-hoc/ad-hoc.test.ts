import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeHost } from '../../../tests/harness/fake-host.js';
import { type DataForm, fieldValue, formToElement } from '../../xmpp/data-form.js';
import { type Element, el } from '../../xmpp/element.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { offerCommands } from './ad-hoc.js';
import type { Command, CommandStep } from './command.js';

const asked: DataForm = { type: 'form', title: 'Which bell?', fields: [{ var: 'bell', values: [] }] };
const rung: DataForm = { type: 'result', fields: [{ var: 'times', values: ['3'] }] };
const submitted = (type: DataForm['type'] = 'submit') =>
  formToElement({ type, fields: [{ var: 'bell', values: ['great'] }] });

describe('commands', () => {
  let host: FakeHost;
  let steps: CommandStep[];

  const ring: Command = {
    node: 'ring',
    name: 'Ring a bell',
    run(step) {
      steps.push(step);
      return step.form === undefined
        ? { kind: 'form', form: asked }
        : { kind: 'completed', form: rung, note: `It is the ${fieldValue(step.form, 'bell')} one.` };
    },
  };
  const silence: Command = { node: 'silence', name: 'Be silent', run: async () => ({ kind: 'completed' }) };
  const broken: Command = {
    node: 'broken',
    name: 'Be rung',
    run: () => Promise.reject(new StanzaError('forbidden', 'not you')),
  };

  beforeEach(() => {
    host = new FakeHost();
    steps = [];
    const refused = new Map([['toll', () => new StanzaError('feature-not-implemented', 'ring instead')]]);
    offerCommands({ host, commands: [ring, silence, broken], refused, randomBytes });
  });

  const ask = (attrs: Record<string, string>, ...children: Element[]) =>
    host.receiveIq('set', 'ana@example.org/phone', el('command', ns.commands, attrs, ...children));
  const refusalOf = async (attrs: Record<string, string>, ...children: Element[]) => {
    const error: unknown = await ask(attrs, ...children).catch((reason: unknown) => reason);
    if (!(error instanceof StanzaError)) throw new Error('this was not refused');
    return [
      error.type,
      error.condition,
      error.detail?.is(error.detail.name, ns.commands),
      error.detail?.name,
    ];
  };
  const actions = el('actions', ns.commands, { execute: 'complete' }, el('complete', ns.commands));
  const note = el('note', ns.commands, { type: 'info' }, 'It is the great one.');

  it('are asked for in two steps, by a session that keeps its name', async () => {
    const first = await ask({ node: 'ring', action: 'execute' });
    const session = first?.attr('sessionid') ?? '';
    expect(session).toMatch(/^[\w-]{22}$/);
    const attrs = { node: 'ring', sessionid: session };
    expect(first).toEqual(
      el('command', ns.commands, { ...attrs, status: 'executing' }, actions, formToElement(asked)),
    );
    expect(await ask({ ...attrs, action: 'complete' }, submitted())).toEqual(
      el('command', ns.commands, { ...attrs, status: 'completed' }, formToElement(rung), note),
    );
    expect(steps.map(({ form }) => form && fieldValue(form, 'bell'))).toEqual([undefined, 'great']);
    expect(steps.map(({ from }) => from.toString())).toEqual(Array(2).fill('ana@example.org/phone'));
  });

  it.each(['execute', 'next', 'complete', undefined])(
    'are done at once by %s with a form, in a session and without one',
    async (action) => {
      const attrs = { node: 'ring', ...(action !== undefined && { action }) };
      const alone = await ask(attrs, submitted());
      expect(alone?.attr('status')).toBe('completed');
      expect(alone?.attr('sessionid')).toMatch(/^[\w-]{22}$/);
      const again = await ask({ ...attrs, sessionid: 's' }, submitted());
      expect(again?.attrs).toEqual({ node: 'ring', sessionid: 's', status: 'completed' });
      expect(steps.length).toBe(2);
    },
  );

  it.each(['next', 'complete'])('show their form when %s comes without one', async (action) => {
    const answer = await ask({ node: 'ring', action, sessionid: 's' });
    expect(answer?.attrs).toEqual({ node: 'ring', sessionid: 's', status: 'executing' });
    expect(answer?.child('x', ns.dataForms)?.attr('type')).toBe('form');
  });

  it('give each session another name', async () => {
    const sessions = [await ask({ node: 'ring' }), await ask({ node: 'ring', sessionid: '' })];
    const [first, second] = sessions.map((answer) => answer?.attr('sessionid'));
    expect(first).not.toBe(second);
    expect(second).not.toBe('');
  });

  it('need not have anything to say', async () => {
    const answer = await ask({ node: 'silence', sessionid: 's' });
    expect(answer).toEqual(
      el('command', ns.commands, { node: 'silence', sessionid: 's', status: 'completed' }),
    );
  });

  it.each([
    ['by the action', { action: 'cancel' }, []],
    ['by the action, whatever else is there', { action: 'cancel' }, [submitted()]],
    ['by the form', { action: 'execute' }, [submitted('cancel')]],
  ])('are canceled %s, and nothing is done', async (_, attrs, children) => {
    const answer = await ask({ node: 'ring', sessionid: 's', ...attrs }, ...children);
    expect(answer).toEqual(el('command', ns.commands, { node: 'ring', sessionid: 's', status: 'canceled' }));
    expect(steps).toEqual([]);
  });

  it.each([
    ['no node', {}, [], ['modify', 'bad-request', undefined, undefined]],
    ['no such command', { node: 'sing' }, [], ['cancel', 'item-not-found', undefined, undefined]],
    [
      'a name that every object has',
      { node: 'constructor' },
      [],
      ['cancel', 'item-not-found', undefined, undefined],
    ],
    [
      'a command of others',
      { node: 'toll' },
      [],
      ['cancel', 'feature-not-implemented', undefined, undefined],
    ],
    ['a step back', { node: 'ring', action: 'prev' }, [], ['modify', 'bad-request', true, 'bad-action']],
    [
      'an unknown action',
      { node: 'ring', action: 'sing' },
      [submitted()],
      ['modify', 'bad-request', true, 'malformed-action'],
    ],
    [
      'an empty action',
      { node: 'ring', action: '' },
      [submitted()],
      ['modify', 'bad-request', true, 'malformed-action'],
    ],
    [
      'a form that is not filled in',
      { node: 'ring' },
      [submitted('form')],
      ['modify', 'bad-request', true, 'bad-payload'],
    ],
    [
      'a form of no type',
      { node: 'ring' },
      [el('x', ns.dataForms)],
      ['modify', 'bad-request', true, 'bad-payload'],
    ],
    [
      'a session whose name is too long',
      { node: 'ring', sessionid: 'é'.repeat(129) },
      [],
      ['modify', 'bad-request', true, 'bad-sessionid'],
    ],
    [
      'whom the command refuses',
      { node: 'broken' },
      [submitted()],
      ['auth', 'forbidden', undefined, undefined],
    ],
  ])('refuse %s', async (_, attrs: Record<string, string>, children, refusal) => {
    expect(await refusalOf(attrs, ...children)).toEqual(refusal);
    expect(steps).toEqual([]);
  });

  it('take a session whose name is as long as it may be', async () => {
    const sessionid = 'é'.repeat(128);
    expect((await ask({ node: 'ring', sessionid }))?.attr('sessionid')).toBe(sessionid);
  });

  it('are not to be had by get', async () => {
    const command = el('command', ns.commands, { node: 'ring' });
    await expect(host.receiveIq('get', 'ana@example.org/phone', command)).rejects.toMatchObject({
      condition: 'bad-request',
    });
  });

  it('are advertised: that there are some, which, and what each is', () => {
    const [advertised, ...others] = host.advertised;
    expect(others).toEqual([]);
    expect(advertised?.features).toEqual([ns.commands]);
    const [list, ...nodes] = advertised?.nodes ?? [];
    const jid = 'push.example.org';
    expect(list).toEqual({
      node: ns.commands,
      info: { identities: [{ category: 'automation', type: 'command-list' }], features: [ns.commands] },
      items: [
        { jid, node: 'ring', name: 'Ring a bell' },
        { jid, node: 'silence', name: 'Be silent' },
        { jid, node: 'broken', name: 'Be rung' },
      ],
    });
    expect(nodes.map(({ node }) => node)).toEqual(['ring', 'silence', 'broken']);
    expect(nodes[0]).toEqual({
      node: 'ring',
      info: {
        identities: [{ category: 'automation', type: 'command-node', name: 'Ring a bell' }],
        features: [ns.commands, ns.dataForms],
      },
      items: [],
    });
  });
});
