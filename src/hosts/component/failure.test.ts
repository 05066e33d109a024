import { describe, expect, it } from 'vitest';
import { Jid } from '../../xmpp/jid.js';
import { StreamError } from '../../xmpp/stream-error.js';
import { closedFailure, socketFailure, streamErrorFailure } from './failure.js';

const to = { jid: Jid.parse('push.example.org'), connect: { host: '::1', port: 5347 } };
const coded = (code: string) => Object.assign(new Error('failed'), { code });

describe('a failure to connect', () => {
  it.each([
    ['ENOTFOUND', 'name-not-found'],
    ['EAI_AGAIN', 'name-not-found'],
    ['ECONNREFUSED', 'refused'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ECONNRESET', 'closed'],
    ['ESOMETHING', 'socket-error'],
  ])('tells %s as %s', (code, kind) => {
    expect(socketFailure(coded(code), to).kind).toBe(kind);
  });

  it('finds the code when several addresses were tried', () => {
    const both = new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]);
    expect(socketFailure(both, to)).toMatchObject({
      kind: 'refused',
      reason: 'nothing listens on [::1]:5347',
      remedy: expect.stringContaining('[::1]:5347'),
    });
  });

  it('names the server by its words, within reason', () => {
    const failure = streamErrorFailure(
      new StreamError('policy-violation', 'x'.repeat(1000)),
      'connected',
      to,
    );
    expect(failure.kind).toBe('stream-error');
    expect(failure.reason).toContain('policy-violation (xxx');
    expect(failure.reason.length).toBeLessThan(300);
  });

  it('takes a wrong namespace for a wrong port only before the handshake', () => {
    const error = new StreamError('invalid-namespace');
    expect(streamErrorFailure(error, 'opening', to).kind).toBe('wrong-port');
    expect(streamErrorFailure(error, 'connected', to).kind).toBe('stream-error');
  });

  it('blames the secret when the server hangs up at the handshake', () => {
    expect(closedFailure('handshaking', to).remedy).toContain('component.secret');
    expect(closedFailure('opening', to).remedy).toContain('component.connect');
    expect(closedFailure('connected', to).remedy).toBeUndefined();
  });
});
