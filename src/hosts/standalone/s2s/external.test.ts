import { describe, expect, it } from 'vitest';
import { el } from '../../../xmpp/element.js';
import { ns } from '../../../xmpp/ns.js';
import { ExternalExchange, externalRequest } from './external.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const auth = (text: string, mechanism = 'EXTERNAL') => el('auth', ns.sasl, { mechanism }, text);
const response = (text: string) => el('response', ns.sasl, {}, text);
const failure = (condition: string) => ({ kind: 'failure', condition });

describe('SASL EXTERNAL', () => {
  it.each([
    ['the domain', auth(base64('beta.example'))],
    ['the domain in another form', auth(base64('Beta.Example'))],
    ['nobody in particular', auth('=')],
    ['what we ask for ourselves', externalRequest('beta.example')],
  ])('takes %s', (_what, element) => {
    expect(new ExternalExchange().take(element, 'beta.example')).toEqual({ kind: 'success' });
  });

  it.each([
    ['another domain', auth(base64('gamma.example')), 'invalid-authzid'],
    ['a user of the domain', auth(base64('ana@beta.example')), 'invalid-authzid'],
    ['no base64', auth('beta.example'), 'incorrect-encoding'],
    ['another mechanism', auth('=', 'PLAIN'), 'invalid-mechanism'],
    ['a response to no challenge', response('='), 'malformed-request'],
    ['another element', el('hello', ns.sasl), 'malformed-request'],
    ['to stop it', el('abort', ns.sasl), 'aborted'],
  ])('refuses %s', (_what, element, condition) => {
    expect(new ExternalExchange().take(element, 'beta.example')).toEqual(failure(condition));
  });

  it('needs a certificate that proves the domain', () => {
    expect(new ExternalExchange().take(auth('='), undefined)).toEqual(failure('not-authorized'));
  });

  it('asks when nothing was said at first, once', () => {
    const exchange = new ExternalExchange();
    expect(exchange.take(auth(''), 'beta.example')).toEqual({ kind: 'challenge' });
    expect(exchange.take(response('='), 'beta.example')).toEqual({ kind: 'success' });
    expect(exchange.take(response('='), 'beta.example')).toEqual(failure('malformed-request'));
  });

  it('forgets its question when it is stopped', () => {
    const exchange = new ExternalExchange();
    exchange.take(auth(''), 'beta.example');
    exchange.take(el('abort', ns.sasl), 'beta.example');
    expect(exchange.take(response('='), 'beta.example')).toEqual(failure('malformed-request'));
  });
});
