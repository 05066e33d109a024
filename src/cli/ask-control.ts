import { join } from 'node:path';
import { withAccounts } from '../app.js';
import type { Config, StandaloneConfig } from '../config/config.js';
import { connectControl } from '../control/client.js';
import { ControlError, type ControlRequest, controlSocketName } from '../control/protocol.js';
import { userHandlers } from '../control/user-handlers.js';
import { createLogger } from '../observability/logger.js';

type OnItem = (item: string) => void;
type LocalConfig = Config & { readonly host: StandaloneConfig };

/**
 * Has a command done about the accounts of that configuration: by the running server, or, where none runs, on its
 * storage.
 * @throws {ControlError} why it was not done
 */
export async function askControl(
  config: LocalConfig,
  request: ControlRequest,
  onItem: OnItem = () => {},
): Promise<void> {
  if (!(await tryRunning(config, request, onItem))) await askStorage(config, request, onItem);
}

/**
 * Has a command done by the running server of that configuration.
 * @throws {ControlError} why it was not done, or that none runs
 */
export async function askRunning(
  config: LocalConfig,
  request: ControlRequest,
  onItem: OnItem,
): Promise<void> {
  if (await tryRunning(config, request, onItem)) return;
  throw new ControlError(`No Belfry runs with the data_dir ${config.dataDir}: start it with belfry serve.`);
}

/** False if none runs. */
async function tryRunning(
  { dataDir }: LocalConfig,
  request: ControlRequest,
  onItem: OnItem,
): Promise<boolean> {
  const running = await connectControl(join(dataDir, controlSocketName));
  if (running === undefined) return false;
  try {
    await running.ask(request, onItem);
    return true;
  } finally {
    running.close();
  }
}

function askStorage(config: LocalConfig, { command, args }: ControlRequest, onItem: OnItem): Promise<void> {
  const logger = createLogger({ ...config.log, level: 'warn' });
  return withAccounts(config, { logger }, async (accounts) => {
    const handler = userHandlers(accounts, config.host.domain)[command];
    if (handler === undefined) throw new ControlError('This needs a running server.');
    await handler(args, async (item) => onItem(item));
  });
}

/** @throws {ControlError} if accounts do not live here */
export function localConfig(config: Config): LocalConfig {
  const { host } = config;
  if (host.kind === 'standalone') return { ...config, host };
  throw new ControlError(
    'Accounts live on the XMPP server that Belfry is a component of (host: component): manage them there.',
  );
}
