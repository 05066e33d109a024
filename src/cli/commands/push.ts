import { loadConfig } from '../../config/load.js';
import { parseAccount } from '../../control/user-handlers.js';
import { askRunning, localConfig } from '../ask-control.js';
import type { ConfigOption, Io } from '../io.js';

/** What `belfry push` does with an account's devices. */
export type PushAction = 'ping' | 'list';

/**
 * `belfry push ping|list JID`: through the running server, a line for each device. Throws `ControlError` with what is wrong,
 * and if none could be told.
 */
export async function askAboutDevices(
  action: PushAction,
  jid: string,
  { config: file }: ConfigOption,
  io: Io,
): Promise<number> {
  const config = localConfig(loadConfig({ ...io.load, file }));
  const account = parseAccount(jid, config.host.domain);
  const args = { jid: account.toString() };
  await askRunning(config, { command: `push.${action}`, args }, (line) => io.out(line));
  return 0;
}
