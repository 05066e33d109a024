import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { startHttp } from '../../../tests/harness/http.js';
import { freePort } from '../../../tests/harness/net.js';
import { findRunning } from './running.js';

describe('a running Belfry', () => {
  it.each([true, false])('is found, and whether it is connected: %s', async (isReady) => {
    const { server, port } = await startHttp({ isReady: () => isReady });
    const expected = { instance: 'test-instance', isConnected: isReady };
    expect(await findRunning({ host: '127.0.0.1', port })).toEqual(expected);
    expect(await findRunning({ host: '0.0.0.0', port })).toEqual(expected);
    await server.stop();
  });

  it('is not a port where nobody listens, nor another program', async () => {
    const port = await freePort();
    expect(await findRunning({ host: '127.0.0.1', port })).toBeUndefined();
    const stranger = createServer((_request, response) => response.end('{}'));
    await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
    expect(await findRunning({ host: '127.0.0.1', port })).toBeUndefined();
    stranger.close().closeAllConnections();
  });
});
