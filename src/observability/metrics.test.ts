import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.js';

describe('createMetrics', () => {
  it('has no expiry of a certificate that is not there', async () => {
    const metrics = createMetrics({ version: '1.2.3' });
    const name = 'belfry_certificate_expiry_timestamp_seconds';
    expect(await metrics.render()).not.toMatch(new RegExp(`^${name} `, 'm'));
    metrics.certificateExpiry.set(1_900_000_000);
    expect(await metrics.render()).toMatch(new RegExp(`^${name} 1900000000$`, 'm'));
  });

  it('has as many messages waiting as whoever keeps them says, and no number if they cannot', async () => {
    const metrics = createMetrics({ version: '1.2.3' });
    const number = async () => /^belfry_web_pushes_waiting (.*)$/m.exec(await metrics.render())?.[1];
    expect(await number()).toBeUndefined();
    metrics.countWebPushesWaiting(async () => 7);
    expect(await number()).toBe('7');
    metrics.countWebPushesWaiting(() => Promise.reject(new Error('the database is away')));
    expect(await number()).toBeUndefined();
    metrics.countWebPushesWaiting(async () => 0);
    expect(await number()).toBe('0');
  });
});
