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
  const running = await connectControl(join(config.dataDir, controlSocketName));
  if (running === undefined) return askStorage(config, request, onItem);
  try {
    await running.ask(request, onItem);
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
