import { describe, expect, it } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.js';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const output = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ level: 'info', format: 'json', output, ...options });
  return { logger, lines, parsed: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

describe('createLogger', () => {
  it('writes one JSON object per line, with time, level as a word and the fields', () => {
    const { logger, parsed } = capture();
    logger.warn({ jid: 'ana@example.org' }, 'something happened');
    const [line] = parsed();
    expect(line).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      jid: 'ana@example.org',
      msg: 'something happened',
    });
  });

  it('leaves out what is below its level, which can be changed', () => {
    const { logger, lines } = capture();
    logger.debug({}, 'one');
    expect(logger.isLevelEnabled('debug')).toBe(false);
    logger.setLevel('debug');
    expect(logger.isLevelEnabled('debug')).toBe(true);
    logger.debug({}, 'two');
    logger.setLevel('silent');
    logger.error({}, 'three');
    expect(lines).toHaveLength(1);
  });

  it('replaces what must not be here, on two levels', () => {
    const { logger, lines } = capture();
    const secrets = { token: 'S1', secret: 'S2', payload: 'S3', application: 'S4', instance: 'S5' };
    logger.info({ ...secrets, deeper: { endpoint: 'S6', password: 'S7', ...secrets } }, 'oops');
    expect(lines.join('')).not.toMatch(/S\d/);
    expect(lines.join('')).toContain('[redacted]');
  });

  it('keeps of an error its name, text, code and stack, and not what hangs on it', () => {
    const { logger, parsed, lines } = capture();
    const error = Object.assign(new TypeError('broken', { cause: new Error('deeper') }), {
      code: '23505',
      detail: 'Key (hash)=(SECRET) already exists.',
    });
    logger.error({ err: error }, 'failed');
    expect(parsed()[0]).toMatchObject({
      err: { type: 'TypeError', message: 'broken', code: '23505', cause: 'deeper' },
    });
    expect(lines.join('')).not.toContain('SECRET');
    logger.error({ err: 'only text' }, 'failed');
    expect(parsed()[1]).toMatchObject({ err: { message: 'only text' } });
  });

  it('writes text for people if asked to, without line breaks of others', () => {
    const { logger, lines } = capture({ format: 'pretty' });
    logger.info({ jid: 'ana@example.org\nINFO forged' }, 'registered');
    const text = lines.join('');
    expect(text).toMatch(/INFO.*registered/);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
  });

  it('takes a stream that it is given for no terminal', () => {
    const { logger, parsed } = capture({ format: 'auto' });
    logger.info({}, 'hello');
    expect(parsed()[0]).toMatchObject({ msg: 'hello' });
  });
});
