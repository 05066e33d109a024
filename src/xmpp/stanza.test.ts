import { describe, expect, it } from 'vitest';
import { el } from './element.js';
import { ns } from './ns.js';
import { errorReply, iqRequest, iqResult, message, presence } from './stanza.js';
import { StanzaError } from './stanza-error.js';

const ping = el('ping', ns.ping);
const request = iqRequest('get', { from: 'a.example', to: 'b@example/c', id: 'i1' }, ping);

describe('stanza', () => {
  it('builds a request with its one payload', () => {
    expect(request).toEqual(
      el('iq', ns.client, { type: 'get', id: 'i1', from: 'a.example', to: 'b@example/c' }, ping),
    );
  });

  it('leaves out attributes that are undefined', () => {
    expect(message({ to: 'a@example', from: undefined }, el('body', ns.client, {}, 'hi')).attrs).toEqual({
      to: 'a@example',
    });
    expect(presence({ to: 'a@example', type: 'unsubscribed' }).attrs).toEqual({
      to: 'a@example',
      type: 'unsubscribed',
    });
  });

  it('answers with swapped addresses and the same id', () => {
    const result = iqResult(request, el('x', 'urn:x'));
    expect(result.attrs).toEqual({ type: 'result', id: 'i1', from: 'b@example/c', to: 'a.example' });
    expect(result.firstElement()?.name).toBe('x');
    expect(iqResult(request).children).toEqual([]);
  });

  it('replies with an error in the client namespace, without the payload', () => {
    const reply = errorReply(request, new StanzaError('item-not-found', 'gone'));
    expect(reply?.attrs).toEqual({ type: 'error', id: 'i1', from: 'b@example/c', to: 'a.example' });
    expect(reply?.elements().map((child) => child.name)).toEqual(['error']);
    expect(reply && StanzaError.fromStanza(reply)).toMatchObject({
      condition: 'item-not-found',
      text: 'gone',
    });
  });

  it('keeps the kind of stanza and does not invent an id', () => {
    const reply = errorReply(message({ from: 'a@example' }), new StanzaError('service-unavailable'));
    expect(reply?.name).toBe('message');
    expect(reply?.attrs).toEqual({ type: 'error', to: 'a@example' });
  });

  it('never answers an error or a result', () => {
    const error = new StanzaError('bad-request');
    expect(errorReply(iqResult(request), error)).toBeUndefined();
    expect(errorReply(message({ type: 'error', from: 'a@example' }), error)).toBeUndefined();
    expect(errorReply(presence({ type: 'error', from: 'a@example' }), error)).toBeUndefined();
  });
});
