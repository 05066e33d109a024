import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Answer, outcomeOf } from './answer.js';

const now = Date.UTC(2026, 0, 1);
const path = '/push/abcdef123456';

function outcome(status: number, { body = '', retryAfter }: { body?: string; retryAfter?: string } = {}) {
  const answer: Answer = { status, retryAfter, body: Buffer.from(body) };
  return outcomeOf(answer, path, now);
}

function reasonOf(body: string | Uint8Array): string {
  const ended = outcomeOf({ status: 400, retryAfter: undefined, body: Buffer.from(body) }, path, now);
  return 'reason' in ended ? ended.reason : '';
}

describe('outcomeOf', () => {
  it.each([
    ['delivered', [200, 201, 202, 204, 299]],
    ['gone', [404, 410]],
    ['too-large', [413]],
    ['retry', [408, 425, 429, 500, 501, 502, 503, 504, 505, 507, 511, 599]],
    [
      'rejected',
      [300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 405, 406, 409, 411, 412, 415, 422, 451],
    ],
  ])('%s', (kind, statuses) => {
    expect(statuses.filter((status) => outcome(status).kind !== kind)).toEqual([]);
  });

  it('says how long the service wants to be left alone', () => {
    const reason = 'HTTP 429';
    expect(outcome(429, { retryAfter: '17' })).toEqual({
      kind: 'retry',
      reason,
      after: 17,
      isUnreachable: false,
    });
    expect(outcome(503, { retryAfter: 'Thu, 01 Jan 2026 00:00:05 GMT' })).toMatchObject({ after: 5 });
    expect(outcome(503, { retryAfter: 'later' })).not.toHaveProperty('after');
  });
});

describe('reasons', () => {
  it('are what the service says, on one line', () => {
    expect(reasonOf('{"errno": 110,\n\t"message": "Bad\u0000 thing"}\n')).toBe(
      'HTTP 400: {"errno": 110, "message": "Bad thing"}',
    );
  });

  it('repeat neither tokens nor what the endpoint is', () => {
    const token = Buffer.alloc(30, 7).toString('base64url');
    const said = reasonOf(`token ${token} for https://push.example.org${path} is abcdef123456`);
    expect(said).not.toContain(token);
    expect(said).not.toContain('abcdef123456');
    expect(said).toBe('HTTP 400: token … for … is …');
  });

  it('are printable and short, whatever was answered', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4_096 }), (body) => {
        const reason = reasonOf(body);
        expect([...reason].length).toBeLessThanOrEqual(200);
        expect(reason).not.toMatch(/[\p{C}\u2028\u2029]/u);
      }),
    );
  });
});
