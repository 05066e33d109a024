import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DiscoNode, Host } from '../../src/hosts/host.js';
import { type Element, el } from '../../src/xmpp/element.js';
import { Jid } from '../../src/xmpp/jid.js';
import { ns } from '../../src/xmpp/ns.js';
import { StanzaError } from '../../src/xmpp/stanza-error.js';
import { waitFor } from '../harness/net.js';

/** A connected host, and the world around it in the test's hand. */
export interface HostHarness {
  readonly host: Host;
  /** Lets somebody send to the host; the stanza has `from` and `to`. */
  deliver(stanza: Element): void;
  /** Waits for the next stanza of the host that fits, and takes it. */
  take(what: string, fits: (stanza: Element) => boolean): Promise<Element>;
  /** What handlers threw and should not have. */
  handlerFailures(): readonly unknown[];
  /** Takes away the host's connection for good; resolves when the host knows. */
  disconnect(): Promise<void>;
  close(): Promise<void>;
}

const peer = 'juliet@capulet.example/balcony';
const route = { type: 'set', ns: 'urn:example:x', name: 'x' } as const;
const payload = el('x', 'urn:example:x');
const isIq = (id: string) => (stanza: Element) => stanza.name === 'iq' && stanza.attr('id') === id;
const isRequest = (stanza: Element) => stanza.attr('type') === 'get' || stanza.attr('type') === 'set';

/** What every host promises to services. `makeHarness` makes a fresh, connected host for each test. */
export function hostContract(name: string, makeHarness: () => Promise<HostHarness>): void {
  describe(`${name} is a host`, () => {
    let harness: HostHarness;
    let host: Host;

    beforeEach(async () => {
      harness = await makeHarness();
      host = harness.host;
    });
    afterEach(() => harness.close());

    const domain = () => host.domain.toString();
    const deliverIq = (attrs: Record<string, string>, ...children: Element[]) =>
      harness.deliver(el('iq', ns.client, { from: peer, to: domain(), ...attrs }, ...children));
    const ask = async (type: 'get' | 'set', child: Element, to = domain()) => {
      deliverIq({ type, id: 'ask', to }, child);
      return harness.take(`the answer to ${child.name}`, isIq('ask'));
    };
    /** A ping is answered in order: what comes before its answer is all there is. */
    const nothingSentBut = async (fits: (stanza: Element) => boolean) => {
      deliverIq({ type: 'get', id: 'fence' }, el('ping', ns.ping));
      const sent = await harness.take('the fence or more', (stanza) => fits(stanza) || isIq('fence')(stanza));
      expect(sent.attr('id')).toBe('fence');
    };

    describe('that answers for itself', () => {
      it('says what it is and does', async () => {
        const answer = await ask('get', el('query', ns.discoInfo));
        expect(answer.attrs).toMatchObject({ type: 'result', from: domain(), to: peer });
        const query = answer.child('query', ns.discoInfo);
        expect(query?.child('identity')?.attr('category')).toBeDefined();
        expect(features(query)).toEqual(
          expect.arrayContaining([ns.discoInfo, ns.discoItems, ns.ping, ns.version]),
        );
      });

      it('adds what services advertise', async () => {
        host.advertise({
          features: ['urn:example:x'],
          identities: [{ category: 'pubsub', type: 'push' }],
          forms: [{ type: 'result', fields: [{ var: 'FORM_TYPE', type: 'hidden', values: ['urn:form'] }] }],
        });
        const query = (await ask('get', el('query', ns.discoInfo))).child('query', ns.discoInfo);
        expect(features(query)).toContain('urn:example:x');
        expect(query?.elements().map((child) => child.attr('category'))).toContain('pubsub');
        expect(query?.child('x', ns.dataForms)?.attr('type')).toBe('result');
      });

      it.each([ns.discoInfo, ns.discoItems])(
        'knows no nodes of %s but those of services',
        async (namespace) => {
          host.advertise({ nodes: [node('another')] });
          const answer = await ask('get', el('query', namespace, { node: 'n' }));
          expect(conditionOf(answer)).toBe('item-not-found');
        },
      );

      it('tells of a node what its service does, and of itself nothing else for that', async () => {
        host.advertise({ nodes: [node('n'), node('another')] });
        const info = await ask('get', el('query', ns.discoInfo, { node: 'n' }));
        expect(info.firstElement()).toEqual(
          el(
            'query',
            ns.discoInfo,
            { node: 'n' },
            el('identity', ns.discoInfo, { category: 'automation', type: 'command-node', name: 'n!' }),
            el('feature', ns.discoInfo, { var: 'urn:example:n' }),
          ),
        );
        const items = await ask('get', el('query', ns.discoItems, { node: 'n' }));
        expect(items.firstElement()).toEqual(
          el(
            'query',
            ns.discoItems,
            { node: 'n' },
            el('item', ns.discoItems, { jid: 'there.example', node: 'n' }),
          ),
        );
        const whole = (await ask('get', el('query', ns.discoInfo, { node: '' }))).firstElement();
        expect(whole?.attr('node')).toBeUndefined();
        expect(features(whole)).not.toContain('urn:example:n');
      });

      it('has each node once', () => {
        host.advertise({ nodes: [node('n')] });
        expect(() => host.advertise({ nodes: [node('n')] })).toThrow();
      });

      it('has no items', async () => {
        const answer = await ask('get', el('query', ns.discoItems));
        expect(answer.child('query', ns.discoItems)?.children).toEqual([]);
      });

      it('answers a ping with nothing', async () => {
        const answer = await ask('get', el('ping', ns.ping));
        expect(answer.attr('type')).toBe('result');
        expect(answer.children).toEqual([]);
      });

      it('tells name and version, and not the operating system', async () => {
        const query = (await ask('get', el('query', ns.version))).child('query', ns.version);
        expect(query?.elements().map((child) => child.name)).toEqual(['name', 'version']);
      });
    });

    describe('that hands requests to handlers', () => {
      it('gives the handler the request, and the answer to who asked', async () => {
        host.onIq(route, (request) =>
          el('y', 'urn:example:y', { of: request.from.toString(), id: request.id }),
        );
        const answer = await ask('set', payload);
        expect(answer.attrs).toMatchObject({ type: 'result', from: domain(), to: peer });
        expect(answer.firstElement()).toEqual(el('y', 'urn:example:y', { of: peer, id: 'ask' }));
      });

      it('waits for a promise', async () => {
        host.onIq(route, async () => undefined);
        const answer = await ask('set', payload);
        expect(answer.attr('type')).toBe('result');
        expect(answer.children).toEqual([]);
      });

      it('has one handler for each route', () => {
        host.onIq(route, () => undefined);
        host.onIq({ ...route, type: 'get' }, () => undefined);
        expect(() => host.onIq(route, () => undefined)).toThrow();
      });

      it.each([
        ['throws', () => Promise.reject(new StanzaError('forbidden', 'not you'))],
        [
          'throws at once',
          () => {
            throw new StanzaError('forbidden', 'not you');
          },
        ],
      ])('answers with the stanza error that a handler %s', async (_, handler) => {
        host.onIq(route, handler);
        const answer = await ask('set', payload);
        expect(conditionOf(answer)).toBe('forbidden');
        expect(harness.handlerFailures()).toEqual([]);
      });

      it.each([
        ['rejects', () => Promise.reject(new Error('a secret'))],
        [
          'throws',
          () => {
            throw new Error('a secret');
          },
        ],
      ])('hides and reports anything else that a handler %s', async (_, handler) => {
        host.onIq(route, handler);
        const answer = await ask('set', payload);
        expect(conditionOf(answer)).toBe('internal-server-error');
        expect(JSON.stringify(answer)).not.toContain('a secret');
        expect(harness.handlerFailures()).toEqual([new Error('a secret')]);
      });
    });

    describe('that keeps the rules of IQ', () => {
      it('has no service for what nobody handles', async () => {
        expect(conditionOf(await ask('set', payload))).toBe('service-unavailable');
        expect(conditionOf(await ask('set', el('ping', ns.ping)))).toBe('service-unavailable');
      });

      it.each([
        ['no child', { type: 'set', id: 'bad' }, []],
        ['two children', { type: 'set', id: 'bad' }, [payload, payload]],
        ['an unknown type', { type: 'put', id: 'bad' }, [payload]],
        ['no type', { id: 'bad' }, [payload]],
        ['an empty id', { type: 'set', id: '' }, [payload]],
      ])('refuses a request with %s', async (_, attrs: Record<string, string>, children) => {
        host.onIq(route, () => undefined);
        deliverIq(attrs, ...children);
        const answer = await harness.take('the refusal', (stanza) => stanza.attr('type') === 'error');
        expect(conditionOf(answer)).toBe('bad-request');
        expect(answer.attr('to')).toBe(peer);
      });

      it('answers neither errors nor results', async () => {
        deliverIq({ type: 'result', id: 'r1' });
        deliverIq({ type: 'error', id: 'r2' }, new StanzaError('bad-request').toElement());
        await nothingSentBut((stanza) => isIq('r1')(stanza) || isIq('r2')(stanza));
      });
    });

    describe('that sends requests', () => {
      const send = (options: { timeout?: number; signal?: AbortSignal } = {}) =>
        host.sendIq({ type: 'set', to: Jid.parse(peer), payload }, { timeout: 10_000, ...options });
      const takeRequest = () => harness.take('the request', isRequest);
      const answerTo = (request: Element, attrs: Record<string, string> = {}, ...children: Element[]) =>
        deliverIq({ type: 'result', id: request.attr('id') ?? '', ...attrs }, ...children);

      it('sends from its domain and resolves with the answer', async () => {
        const answer = send();
        const request = await takeRequest();
        expect(request.attrs).toMatchObject({ type: 'set', from: domain(), to: peer });
        expect(request.children).toEqual([payload]);
        answerTo(request, {}, el('y', 'urn:example:y'));
        expect(await answer).toEqual({ kind: 'result', payload: el('y', 'urn:example:y') });
      });

      it('resolves with the error', async () => {
        const answer = send();
        answerTo(await takeRequest(), { type: 'error' }, new StanzaError('item-not-found').toElement());
        expect(await answer).toMatchObject({ kind: 'error', error: { condition: 'item-not-found' } });
      });

      it('uses another id for each request, which nobody can guess', async () => {
        const answers = [send(), send()];
        const [first, second] = [await takeRequest(), await takeRequest()];
        expect(first.attr('id')).not.toBe(second.attr('id'));
        expect(first.attr('id')?.length).toBeGreaterThanOrEqual(22);
        answerTo(second);
        answerTo(first);
        expect((await Promise.all(answers)).map((answer) => answer.kind)).toEqual(['result', 'result']);
      });

      it.each(['juliet@capulet.example/garden', 'juliet@capulet.example', 'mallory@evil.example/x'])(
        'does not believe %s, who was not asked',
        async (from) => {
          const answer = send();
          const request = await takeRequest();
          answerTo(request, { from, type: 'error' }, new StanzaError('item-not-found').toElement());
          answerTo(request);
          expect(await answer).toMatchObject({ kind: 'result' });
        },
      );

      it('does not answer an answer that nobody waits for', async () => {
        const answer = send();
        const request = await takeRequest();
        answerTo(request);
        answerTo(request);
        expect(await answer).toMatchObject({ kind: 'result' });
        await nothingSentBut(isIq(request.attr('id') ?? ''));
      });

      it('gives up in time', async () => {
        expect(await send({ timeout: 50 })).toEqual({ kind: 'timeout' });
      });

      it('ends at the signal', async () => {
        const controller = new AbortController();
        const answer = send({ signal: controller.signal });
        await takeRequest();
        controller.abort();
        expect(await answer).toEqual({ kind: 'aborted' });
      });

      it('ends when the one who was asked becomes unavailable', async () => {
        const answer = send();
        await takeRequest();
        harness.deliver(el('presence', ns.client, { from: peer, to: domain(), type: 'unavailable' }));
        expect(await answer).toMatchObject({ kind: 'error', error: { condition: 'recipient-unavailable' } });
      });

      it('ends when the connection does, and sends nothing without one', async () => {
        expect(host.isConnected).toBe(true);
        const answer = send();
        await takeRequest();
        await harness.disconnect();
        expect(await answer).toEqual({ kind: 'disconnected' });
        expect(host.isConnected).toBe(false);
        expect(await send()).toEqual({ kind: 'disconnected' });
        expect(host.send(el('message', ns.client, { to: peer }))).toBe(false);
      });
    });

    describe('that hands messages to handlers', () => {
      const messageRoute = { ns: 'urn:example:x', name: 'x' };
      const message = (attrs: Record<string, string>, ...children: Element[]) =>
        harness.deliver(el('message', ns.client, { from: peer, to: domain(), ...attrs }, ...children));
      const takeMessage = () => harness.take('a message', (stanza) => stanza.name === 'message');

      it('gives the handler the child that it wants, and answers nothing', async () => {
        const heard: unknown[] = [];
        host.onMessage(messageRoute, ({ from, to, payload: child }) => {
          heard.push([from.toString(), to.toString(), child]);
        });
        const body = el('body', ns.client, {}, 'hi');
        message({ id: 'm1' }, body, payload);
        message({ id: 'm2', type: 'headline' }, payload, payload);
        await nothingSentBut((stanza) => stanza.name === 'message');
        expect(heard).toEqual([
          [peer, domain(), payload],
          [peer, domain(), payload],
        ]);
      });

      it('has one handler for each route, and takes the first child that has one', async () => {
        const heard: string[] = [];
        host.onMessage(messageRoute, () => void heard.push('x'));
        host.onMessage({ ...messageRoute, name: 'y' }, () => void heard.push('y'));
        expect(() => host.onMessage(messageRoute, () => undefined)).toThrow();
        message({}, el('z', 'urn:example:x'), el('y', 'urn:example:x'), payload);
        await nothingSentBut((stanza) => stanza.name === 'message');
        expect(heard).toEqual(['y']);
      });

      it('has none for errors, for addresses at the domain, and for other children', async () => {
        const heard: unknown[] = [];
        host.onMessage(messageRoute, (received) => void heard.push(received));
        message({ id: 'm1', type: 'error' }, payload);
        message({ id: 'm2' }, el('x', 'urn:example:other'));
        expect(conditionOf(await takeMessage())).toBe('service-unavailable');
        message({ id: 'm3', to: `${domain()}/somewhere` }, payload);
        expect((await takeMessage()).attrs).toMatchObject({ id: 'm3', from: `${domain()}/somewhere` });
        expect(heard).toEqual([]);
      });

      const refusal = new StanzaError('item-not-found', 'gone', 'cancel', el('why', 'urn:example:why'));
      it.each([
        ['rejects', () => Promise.reject(refusal)],
        [
          'throws',
          () => {
            throw refusal;
          },
        ],
      ])('returns what a handler %s, all of it', async (_, handler) => {
        host.onMessage(messageRoute, handler);
        message({ id: 'm1', type: 'chat' }, payload);
        const answer = await takeMessage();
        expect(answer.attrs).toEqual({ type: 'error', id: 'm1', from: domain(), to: peer });
        expect(conditionOf(answer)).toBe('item-not-found');
        expect(answer.child('error')?.child('why', 'urn:example:why')).toBeDefined();
        expect(harness.handlerFailures()).toEqual([]);
      });

      it('hides and reports anything else', async () => {
        host.onMessage(messageRoute, () => Promise.reject(new Error('a secret')));
        message({ id: 'm1' }, payload);
        const answer = await takeMessage();
        expect(conditionOf(answer)).toBe('internal-server-error');
        expect(JSON.stringify(answer)).not.toContain('a secret');
        expect(harness.handlerFailures()).toEqual([new Error('a secret')]);
      });
    });

    describe('that takes part in presence and messages', () => {
      const presence = (attrs: Record<string, string>) =>
        harness.deliver(el('presence', ns.client, { from: peer, to: domain(), ...attrs }));

      it('tells its services of directed presence, and survives their mistakes', async () => {
        const heard: [string, boolean][] = [];
        host.onPresence(() => {
          throw new Error('a mistake');
        });
        host.onPresence(({ from, available }) => heard.push([from.toString(), available]));
        presence({});
        presence({ type: 'error' });
        presence({ type: 'unavailable' });
        await waitFor('presence', () => heard.length === 2);
        expect(heard).toEqual([
          [peer, true],
          [peer, false],
        ]);
        expect(harness.handlerFailures().length).toBe(2);
      });

      it('shares no presence', async () => {
        presence({ type: 'subscribe' });
        const answer = await harness.take('the refusal', (stanza) => stanza.name === 'presence');
        expect(answer.attrs).toEqual({
          type: 'unsubscribed',
          from: domain(),
          to: 'juliet@capulet.example',
        });
      });

      it('returns messages that nobody takes, but neither errors nor headlines', async () => {
        const message = (attrs: Record<string, string>) =>
          harness.deliver(
            el('message', ns.client, { from: peer, to: domain(), ...attrs }, el('body', ns.client, {}, 'hi')),
          );
        message({ type: 'error', id: 'm1' });
        message({ type: 'headline', id: 'm2' });
        message({ type: 'chat', id: 'm3' });
        const answer = await harness.take('the return', (stanza) => stanza.name === 'message');
        expect(answer.attrs).toMatchObject({ type: 'error', id: 'm3', to: peer, from: domain() });
        expect(conditionOf(answer)).toBe('service-unavailable');
      });

      it('sends messages from its domain', async () => {
        expect(host.send(el('message', ns.client, { to: peer }))).toBe(true);
        const sent = await harness.take('the message', (stanza) => stanza.name === 'message');
        expect(sent.attrs).toEqual({ from: domain(), to: peer });
      });
    });
  });
}

/** A node as services advertise it. */
function node(name: string): DiscoNode {
  return {
    node: name,
    info: {
      identities: [{ category: 'automation', type: 'command-node', name: `${name}!` }],
      features: ['urn:example:n'],
    },
    items: [{ jid: 'there.example', node: name }],
  };
}

function features(query: Element | undefined): (string | undefined)[] {
  return (query?.elements() ?? [])
    .filter((child) => child.name === 'feature')
    .map((child) => child.attr('var'));
}

function conditionOf(stanza: Element): string {
  return stanza.attr('type') === 'error' ? StanzaError.fromStanza(stanza).condition : 'no error';
}
