import { describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../tests/harness/recording-events.js';
import { type Element, el } from '../../xmpp/element.js';
import { Jid } from '../../xmpp/jid.js';
import { ns } from '../../xmpp/ns.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { RequestRunner } from './request-runner.js';

const session = Jid.parse('ana@example.org/phone');
const server = Jid.parse('example.org');

interface Work {
  readonly end: () => void;
  readonly fail: (error: unknown) => void;
}

/** A runner of work that ends when the test says so. */
function begin(limits: { readonly maxUnderWay: number; readonly maxPerAsker?: number }) {
  const { events, recorded } = recordingEvents();
  const runner = new RequestRunner({ events, ...limits });
  const replies: Element[] = [];
  const underWay: Work[] = [];
  const ask = (asker: Jid, id: string, name: 'iq' | 'message' = 'iq') =>
    void runner.run({
      request: el(name, ns.client, { id, from: asker.toString(), type: name === 'iq' ? 'set' : 'chat' }),
      what: `${name} ${id}`,
      asker,
      work: () =>
        new Promise((done, fail) => {
          underWay.push({ end: () => done(undefined), fail });
        }),
      reply: (reply) => void replies.push(reply),
    });
  /** What was answered since the last time, by id; later: when what is about to be answered is answered. */
  const answeredNow = () => replies.splice(0).map((reply) => `${reply.attr('id')} ${wordOf(reply)}`);
  const answered = async () => {
    await new Promise(setImmediate);
    return answeredNow();
  };
  return { ask, underWay, answered, answeredNow, recorded, runner };
}

function wordOf(reply: Element): string {
  return reply.attr('type') === 'error' ? StanzaError.fromStanza(reply).condition : 'result';
}

describe('requests that are under way', () => {
  it('are no more than they may be in all, messages among them', async () => {
    const { ask, underWay, answered } = begin({ maxUnderWay: 2 });
    ask(session, 'a');
    ask(session, 'b', 'message');
    ask(session, 'c');
    ask(session, 'd', 'message');
    expect(await answered()).toEqual(['c resource-constraint', 'd resource-constraint']);
    for (const { end } of underWay.splice(0)) end();
    expect(await answered()).toEqual(['a result']);
    ask(session, 'e');
    expect(underWay.length).toBe(1);
  });

  it('of one asker wait when they are too many, and all but the first that waits are refused', async () => {
    const { ask, underWay, answered } = begin({ maxUnderWay: 10, maxPerAsker: 2 });
    for (const id of ['a', 'b', 'c', 'd']) ask(session, id);
    ask(Jid.parse('ana@example.org/tablet'), 'other');
    expect(await answered()).toEqual(['d resource-constraint']);
    expect(underWay.length).toBe(3);
    underWay[0]?.end();
    expect(await answered()).toEqual(['a result']);
    expect(underWay.length).toBe(4);
  });

  it.each([
    ['a server', server],
    ['a resource of a server', Jid.parse('example.org/x')],
  ])('of %s, which asks for all its users, are bounded by the whole alone', async (_, asker) => {
    const { ask, underWay, answered } = begin({ maxUnderWay: 5, maxPerAsker: 2 });
    for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) ask(asker, id);
    expect(await answered()).toEqual(['f resource-constraint']);
    for (const { end } of underWay.splice(0)) end();
    expect((await answered()).length).toBe(5);
    ask(session, 'g');
    expect(underWay.length).toBe(1);
  });
});

describe('a runner that is drained', () => {
  it('begins with nothing, and is done when all that was under way is answered', async () => {
    const { ask, underWay, answered, answeredNow, runner } = begin({ maxUnderWay: 10, maxPerAsker: 1 });
    ask(session, 'a');
    ask(server, 'b');
    ask(session, 'waits');
    const drained = Promise.all([runner.drain(), runner.drain()]).then(answeredNow);
    ask(server, 'late');
    expect(await answered()).toEqual(['late service-unavailable']);
    underWay[0]?.end();
    expect(await answered()).toEqual(['waits service-unavailable', 'a result']);
    underWay[1]?.end();
    expect(await drained).toEqual(['b result']);
  });

  it('has nothing to wait for if nothing is under way', () => {
    const { runner } = begin({ maxUnderWay: 10 });
    expect(runner.drain()).toBeUndefined();
  });
});

describe('a message', () => {
  it('is not answered when all is well, and when not, as a request is', async () => {
    const { ask, underWay, answered, recorded } = begin({ maxUnderWay: 10 });
    for (const id of ['a', 'b', 'c']) ask(server, id, 'message');
    const mistake = new Error('a secret');
    underWay[0]?.end();
    underWay[1]?.fail(new StanzaError('forbidden'));
    underWay[2]?.fail(mistake);
    expect(await answered()).toEqual(['b forbidden', 'c internal-server-error']);
    expect(recorded).toEqual([{ name: 'handlerFailed', what: 'message c', error: mistake }]);
  });
});
