import { beforeEach, describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { type Element, el } from '../../../xmpp/element.js';
import { Jid } from '../../../xmpp/jid.js';
import { ns } from '../../../xmpp/ns.js';
import { PasswordError } from '../account-admin.js';
import { OpenRegistration } from './open-registration.js';
import { registerQuery } from './register-form.js';

describe('OpenRegistration', () => {
  let registration: 'open' | 'closed';
  let created: (readonly [jid: string, password: string, by: string, client: string | undefined])[];
  let failure: Error | undefined;
  let open: OpenRegistration;
  const { events, recorded } = recordingEvents();

  beforeEach(() => {
    registration = 'open';
    created = [];
    failure = undefined;
    open = new OpenRegistration({
      domain: Jid.parse('example.org'),
      settings: {
        get registration() {
          return registration;
        },
      },
      accounts: {
        async create(jid, password, by, client) {
          if (failure !== undefined) throw failure;
          if (password === '') throw new PasswordError('The password is empty.');
          if (created.some(([name]) => name === jid.toString())) return 'exists';
          created.push([jid.toString(), password, by, client]);
          return 'created';
        },
      },
      events,
    });
  });

  const stranger = { remoteAddress: '192.0.2.1', isPrivate: true };
  const iq = (type: string, query: Element, more: Record<string, string | undefined> = {}) =>
    el('iq', ns.client, { type, id: 'r1', ...more }, query);
  const register = (username: string, password = 'secret', remoteAddress = stranger.remoteAddress) =>
    open.answer(iq('set', registerQuery({ username, password })), { ...stranger, remoteAddress });
  const conditionOf = (answer: Element | undefined) => answer?.child('error')?.firstElement()?.name;

  it('asks for a name and a password', async () => {
    const answer = await open.answer(iq('get', registerQuery({}), { to: 'example.org' }), stranger);
    expect(answer?.attrs).toEqual({ type: 'result', id: 'r1', from: 'example.org' });
    const fields = answer?.child('query', ns.register)?.elements();
    expect(fields?.map((field) => field.name)).toEqual(['instructions', 'username', 'password']);
  });

  it('makes an account', async () => {
    expect(await register('Ana')).toEqual(el('iq', ns.client, { type: 'result', id: 'r1' }));
    expect(created).toEqual([['ana@example.org', 'secret', 'registration', '192.0.2.1']]);
  });

  it('makes none twice', async () => {
    await register('ana');
    expect(conditionOf(await register('ANA'))).toBe('conflict');
  });

  it.each(['', '@', 'a b', 'ana@example.com', 'ana/x', 'x@y', "a'b"])(
    'takes no name like %j',
    async (name) => {
      expect(conditionOf(await register(name))).toBe('not-acceptable');
      expect(created).toEqual([]);
    },
  );

  it('says why a password cannot be used, and repeats nothing of the request', async () => {
    const answer = await register('ana', '');
    expect(conditionOf(answer)).toBe('not-acceptable');
    expect(answer?.child('error')?.child('text', ns.stanzaErrors)?.text()).toBe('The password is empty.');
    expect(answer?.elements()).toHaveLength(1);
  });

  it.each([
    ['who asks for another domain', { to: 'example.com' }, stranger, 'service-unavailable'],
    ['a request without an id', { id: undefined }, stranger, 'bad-request'],
    ['a password in clear', {}, { ...stranger, isPrivate: false }, 'not-authorized'],
  ])('refuses %s', async (_, attrs, from, condition) => {
    const answer = await open.answer(iq('set', registerQuery({ username: 'a', password: 'b' }), attrs), from);
    expect(conditionOf(answer)).toBe(condition);
    expect(created).toEqual([]);
  });

  it('does not answer for others', async () => {
    expect(await open.answer(iq('get', el('query', ns.discoInfo)), stranger)).toBeUndefined();
    expect(await open.answer(iq('result', registerQuery({})), stranger)).toBeUndefined();
  });

  it('is offered while it is open', async () => {
    expect(open.features()).toEqual([el('register', ns.registerFeature)]);
    registration = 'closed';
    expect(open.features()).toEqual([]);
    expect(conditionOf(await open.answer(iq('get', registerQuery({})), stranger))).toBe(
      'service-unavailable',
    );
    expect(conditionOf(await register('ana'))).toBe('service-unavailable');
    expect(created).toEqual([]);
  });

  it('lets one network make only so many', async () => {
    for (let at = 0; at < 10; at++)
      expect(conditionOf(await register(`a${at}`, 'x', '2001:db8::1'))).toBeUndefined();
    expect(conditionOf(await register('b', 'x', '2001:db8::2'))).toBe('resource-constraint');
    expect(conditionOf(await register('b', 'x', '2001:db8:1::'))).toBeUndefined();
  });

  it('does not count who comes through a proxy on this machine', async () => {
    for (let at = 0; at < 20; at++)
      expect(conditionOf(await register(`a${at}`, 'x', '127.0.0.1'))).toBeUndefined();
  });

  it('answers what it could not store', async () => {
    failure = new Error('disk full');
    expect(conditionOf(await register('ana'))).toBe('internal-server-error');
    expect(recorded).toContainEqual({ name: 'handlerFailed', what: 'registration', error: failure });
  });
});
