import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
} from '../../../../tests/harness/authority.js';
import { waitFor } from '../../../../tests/harness/net.js';
import { letter, TestNetwork, type TestServerOptions } from '../../../../tests/harness/s2s.js';

let authority: Authority;
let alphaCert: IssuedCertificate;
let betaCert: IssuedCertificate;
let strayCert: IssuedCertificate;
let network: TestNetwork;

beforeAll(() => {
  authority = createAuthority();
  alphaCert = authority.issue({ names: ['alpha.example'] });
  betaCert = authority.issue({ names: ['beta.example'] });
  strayCert = createAuthority('Nobody').issue({ names: ['alpha.example', 'beta.example'] });
});
beforeEach(() => {
  network = new TestNetwork();
});
afterEach(() => network.stop());

const pair = { local: 'alpha.example', remote: 'beta.example' };
const back = { local: 'beta.example', remote: 'alpha.example' };

const alpha = (more: Partial<TestServerOptions> = {}) =>
  network.start({
    domains: ['alpha.example'],
    certificate: alphaCert,
    authorities: [authority.cert],
    ...more,
  });
const beta = (more: Partial<TestServerOptions> = {}) =>
  network.start({ domains: ['beta.example'], certificate: betaCert, authorities: [authority.cert], ...more });

describe('two servers', () => {
  it('talk by certificates', async () => {
    const [a, b] = [
      await alpha({ verifyKey: () => Promise.resolve('invalid') }),
      await beta({ verifyKey: () => Promise.resolve('invalid') }),
    ];
    const { stream, ready } = await a.open(pair, b.port);
    expect(await ready).toBe('certificate');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    stream.send(letter('alpha.example', 'beta.example', 'two'));
    await b.receives('one', 'two');
    expect(b.routed[0]).toEqual(letter('alpha.example', 'beta.example', 'one'));
    expect(b.events.recorded).toEqual([
      {
        name: 'serverConnected',
        domain: 'alpha.example',
        direction: 'incoming',
        authentication: 'certificate',
        encrypted: true,
      },
    ]);
  });

  it('talk by dialback where certificates do not verify', async () => {
    const [a, b] = [await alpha({ certificate: strayCert }), await beta({ certificate: strayCert })];
    const { stream, ready } = await a.open(pair, b.port);
    expect(await ready).toBe('dialback');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    await b.receives('one');
    expect(b.events.recorded).toMatchObject([{ name: 'serverConnected', authentication: 'dialback' }]);
  });

  it('use bidi', async () => {
    const [a, b] = [await alpha(), await beta()];
    const { stream, ready } = await a.open(pair, b.port);
    await ready;
    await waitFor('bidi', () => b.bidi.has('alpha.example'));
    b.bidi.get('alpha.example')?.send(letter('beta.example', 'alpha.example', 'back'));
    await a.receives('back');
    stream.end();
    await waitFor('its end', () => !b.bidi.has('alpha.example'));
    expect(back).toBeDefined();
  });
  it('direct tls', async () => {
    const [a, b] = [await alpha(), await beta()];
    const { stream, ready } = await a.open(pair, b.directTlsPort, { isDirectTls: true });
    expect(await ready).toBe('certificate');
    stream.send(letter('alpha.example', 'beta.example', 'one'));
    await b.receives('one');
  });
});
