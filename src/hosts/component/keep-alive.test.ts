import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../tests/harness/fake-clock.js';
import { KeepAlive } from './keep-alive.js';

function setUp() {
  const clock = new FakeClock();
  const log: string[] = [];
  const keepAlive = new KeepAlive({
    clock,
    idle: 30_000,
    grace: 20_000,
    ping: () => log.push(`ping ${clock.now()}`),
    onDead: () => log.push(`dead ${clock.now()}`),
  });
  keepAlive.start();
  return { clock, log, keepAlive };
}

describe('KeepAlive', () => {
  it('pings after the silence and gives up after the grace', () => {
    const { clock, log } = setUp();
    clock.advance(60_000);
    expect(log).toEqual(['ping 30000', 'dead 50000']);
    expect(clock.pending).toEqual([]);
  });

  it('does not ping while something arrives', () => {
    const { clock, log, keepAlive } = setUp();
    for (let count = 0; count < 10; count++) {
      clock.advance(29_000);
      keepAlive.heard();
    }
    expect(log).toEqual([]);
    clock.advance(30_000);
    expect(log).toEqual(['ping 320000']);
  });

  it('goes on after an answer to the ping', () => {
    const { clock, log, keepAlive } = setUp();
    clock.advance(31_000);
    keepAlive.heard();
    clock.advance(30_000);
    expect(log).toEqual(['ping 30000', 'ping 61000']);
  });

  it('is still when stopped', () => {
    const { clock, log, keepAlive } = setUp();
    keepAlive.stop();
    clock.advance(100_000);
    expect(log).toEqual([]);
  });
});
