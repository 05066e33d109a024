import { describe, expect, it } from 'vitest';
import { recordingEvents } from '../../../../tests/harness/recording-events.js';
import { TlsError } from '../../../net/tls-error.js';
import type { Certificate } from './certificate.js';
import { createCertificateHolder } from './certificate-holder.js';

const certificate = (name: string): Certificate => ({
  cert: `certificate of ${name}`,
  key: 'key',
  names: [name],
  until: new Date(1_900_000_000_000),
  problems: [{ text: `${name} is odd.`, isRefused: false }],
  serverEndPoint: undefined,
});

/** Hands out one result after another: a certificate, or an error. */
function loader(...results: readonly (Certificate | Error)[]) {
  const waiting = [...results];
  return async () => {
    const next = waiting.shift();
    if (next === undefined || next instanceof Error) throw next;
    return next;
  };
}

describe('createCertificateHolder', () => {
  it('loads, and loads again', async () => {
    const { events, recorded } = recordingEvents();
    const holder = await createCertificateHolder({
      load: loader(certificate('old.example'), certificate('new.example')),
      events,
    });
    expect(holder.current().names).toEqual(['old.example']);
    expect(await holder.reload()).toBe(true);
    expect(holder.current().names).toEqual(['new.example']);
    expect(recorded).toMatchObject([
      { name: 'certificateLoaded', names: ['old.example'], problems: ['old.example is odd.'] },
      { name: 'certificateLoaded', names: ['new.example'] },
    ]);
  });

  it('keeps the former one when the new one cannot be used', async () => {
    const { events, recorded } = recordingEvents();
    const holder = await createCertificateHolder({
      load: loader(certificate('old.example'), new TlsError('It is broken.', 'Mend it.')),
      events,
    });
    expect(await holder.reload()).toBe(false);
    expect(holder.current().names).toEqual(['old.example']);
    expect(recorded[1]).toEqual({ name: 'certificateRejected', reason: 'It is broken. Mend it.' });
  });

  it('loads one after another, so that the last one counts', async () => {
    const { events } = recordingEvents();
    const holder = await createCertificateHolder({
      load: loader(certificate('a.example'), new Error('half written'), certificate('c.example')),
      events,
    });
    expect(await Promise.all([holder.reload(), holder.reload()])).toEqual([false, true]);
    expect(holder.current().names).toEqual(['c.example']);
  });

  it('cannot begin without a certificate', async () => {
    const { events, recorded } = recordingEvents();
    await expect(
      createCertificateHolder({ load: loader(new TlsError('No.', 'Mend it.')), events }),
    ).rejects.toThrow(TlsError);
    expect(recorded).toEqual([]);
  });
});
