import { afterEach, describe, expect, it } from 'vitest';
import {
  authenticate,
  bind,
  type C2sTestBed,
  header,
  iqNamed,
  startC2s,
} from '../../../../tests/harness/c2s.js';

let bed: C2sTestBed | undefined;

async function start(options?: Parameters<typeof startC2s>[0]): Promise<C2sTestBed> {
  bed = await startC2s(options);
  return bed;
}

afterEach(async () => {
  await bed?.c2s.stop();
  bed = undefined;
});

describe('negotiation', () => {
  it('leads to a session', async () => {
    const { open, entrance } = await start({});
    const client = await open();
    await client.login();
    client.write(iqNamed('1'));
    expect(entrance.session.jid.toString()).toBe('ana@example.org/r');
  });
});
