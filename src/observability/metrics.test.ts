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
});
