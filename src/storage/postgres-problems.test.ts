import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StorageOpenError } from './errors.js';
import { explainPostgres, parseTarget } from './postgres-problems.js';

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

// pg takes what a URL leaves out from these.
beforeEach(() => {
  for (const name of ['PGUSER', 'PGPASSWORD', 'PGHOST', 'PGPORT', 'PGDATABASE']) vi.stubEnv(name, undefined);
});
afterEach(() => void vi.unstubAllEnvs());

describe('the target of a PostgreSQL URL', () => {
  it.each([
    ['postgres://u:p@db.example:5433/belfry', 'db.example:5433/belfry', 'p'],
    ['postgresql://u:p%40ss%2Fw@db.example/belfry', 'db.example:5432/belfry', 'p@ss/w'],
    ['postgres://u:p@/belfry?host=/run/postgresql', '/run/postgresql:5432/belfry', 'p'],
    ['postgres://u@[::1]:5433/belfry', '::1:5433/belfry', ''],
    ['postgres://db.example/belfry?user=u&password=p', 'db.example:5432/belfry', 'p'],
  ])('of %s', (url, place, password) => {
    expect(parseTarget(url)).toEqual({ place, password });
  });

  it.each([
    'postgres://u:tr0ub4dor#3@h/db',
    'postgres://u:123/tr0ub4dor@h/db',
    'postgres://u:123?tr0ub4dor@h/db',
    'postgres://u:123#tr0ub4dor@h/db',
    'postgres://u:tr0ub4dor@h:port/db',
    'mysql://u:tr0ub4dor@h/db',
    'tr0ub4dor',
  ])('is refused without a trace of the password: %s', (url) => {
    const error = thrownBy(() => parseTarget(url));
    expect(error).toBeInstanceOf(StorageOpenError);
    expect(inspect(error, { showHidden: true })).not.toMatch(/tr0ub4dor|123[^0-9:]/);
  });

  it('names a certificate file that cannot be read', () => {
    const error = thrownBy(() => parseTarget('postgres://u:tr0ub4dor@h/db?sslrootcert=/nowhere/ca.pem'));
    expect(error).toMatchObject({
      message: expect.stringContaining('/nowhere/ca.pem'),
      remedy: 'Check sslrootcert, sslcert and sslkey.',
    });
  });
});

describe('a PostgreSQL error of the opening', () => {
  const target = { place: 'h:5432/db', password: 'tr0ub4dor' };

  it('that nobody foresaw is shown, without the password', () => {
    const error = explainPostgres(target, new Error('the moon is in tr0ub4dor'));
    expect(error.message).toBe('PostgreSQL at h:5432/db: the moon is in ***');
  });

  it('of a name with several addresses is that of the first', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:5432'), { code: 'ECONNREFUSED' });
    const error = explainPostgres(
      target,
      Object.assign(new AggregateError([refused]), { code: 'ECONNREFUSED' }),
    );
    expect(error.message).toBe('PostgreSQL at h:5432/db cannot be reached (ECONNREFUSED).');
  });
});
