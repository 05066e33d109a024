import { once } from 'node:events';
import { WebSocket } from 'ws';
import { waitFor } from './net.js';

/** What a process of Node needs, so that `measureMemory` can ask it. */
export function inspectable(port: number): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` };
}

/** What a process keeps after its garbage was collected, in bytes: JavaScript objects and buffers. */
export async function measureMemory(port: number): Promise<number> {
  const inspector = await connect(port);
  try {
    await inspector.call('HeapProfiler.collectGarbage');
    const expression = 'JSON.stringify(process.memoryUsage())';
    const answer = await inspector.call('Runtime.evaluate', { expression });
    const { heapUsed, external } = JSON.parse(resultOf(answer)) as NodeJS.MemoryUsage;
    return heapUsed + external;
  } finally {
    inspector.close();
  }
}

interface Inspector {
  call(method: string, params?: object): Promise<unknown>;
  close(): void;
}

/** Node's inspector speaks JSON over a WebSocket, as browsers do. */
async function connect(port: number): Promise<Inspector> {
  const socket = new WebSocket(await addressOf(port));
  await once(socket, 'open');
  const answers = new Map<number, unknown>();
  socket.on('message', (data) => {
    const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown };
    if (id !== undefined) answers.set(id, result);
  });
  let calls = 0;
  return {
    async call(method, params = {}) {
      const id = ++calls;
      socket.send(JSON.stringify({ id, method, params }));
      await waitFor(`the answer to ${method}`, () => answers.has(id), { timeout: 30_000, interval: 5 });
      return answers.get(id);
    },
    close: () => socket.terminate(),
  };
}

async function addressOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/json`);
  const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error(`nothing can be inspected at port ${port}`);
  return target.webSocketDebuggerUrl;
}

function resultOf(answer: unknown): string {
  return (answer as { result: { value: string } }).result.value;
}
