import { describe, expect, it } from 'vitest';
import { checkClock, httpClock } from './clock.js';

const noon = Date.UTC(2026, 0, 1, 12);

describe('the clock', () => {
  it('may differ by a minute either way', () => {
    const findings = [-60_000, 0, 60_000].flatMap((by) =>
      checkClock([{ of: 'x', theirs: noon, ours: noon + by }]),
    );
    expect(findings.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok']);
  });

  it('fails beyond that, and says by how much and in which direction', () => {
    const readings = [
      { of: 'the database', theirs: noon, ours: noon + 90_000 },
      { of: 'push.example.org', theirs: noon, ours: noon - 3_600_000 },
    ];
    expect(checkClock(readings)).toMatchObject([
      { status: 'failed', text: 'is 90 seconds ahead of that of the database' },
      { status: 'failed', text: 'is 3600 seconds behind that of push.example.org' },
    ]);
  });

  it('is a warning if nothing tells the time', () => {
    expect(checkClock([])).toMatchObject([{ status: 'warning' }]);
  });
});

describe('the clock of an HTTP server', () => {
  const answer = { status: 200, body: '', at: noon };

  const date = 'Thu, 01 Jan 2026 12:00:30 GMT';

  it.each([{ server: 'nginx' }, { via: '1.1 Caddy' }])('is its Date', (proxy) => {
    expect(httpClock('x', { ...answer, headers: { date, ...proxy } })).toEqual({
      of: 'x',
      theirs: noon + 30_000,
      ours: noon,
    });
  });

  it('is unknown if Belfry itself answered', () => {
    expect(httpClock('x', { ...answer, headers: { date } })).toBeUndefined();
  });

  it('is unknown without one that can be read', () => {
    expect(httpClock('x', { ...answer, headers: {} })).toBeUndefined();
    expect(httpClock('x', { ...answer, headers: { date: 'noon', server: 'nginx' } })).toBeUndefined();
    expect(httpClock('x', { error: new Error('timeout') })).toBeUndefined();
  });
});
