import { loadConfig } from '../../config/load.js';
import type { ControlArgs } from '../../control/protocol.js';
import { parseAccount } from '../../control/user-handlers.js';
import { askControl, localConfig } from '../ask-control.js';
import type { ConfigOption, Io } from '../io.js';

/** What each action says when it is done. */
const done = { add: 'was created', passwd: 'has the new password', remove: 'was removed' } as const;

/** What `belfry user` changes. */
export type UserAction = keyof typeof done;

/**
 * `belfry user add|passwd|remove JID`: through the running server, or, where none runs, on its storage. Throws
 * `ControlError` with what is wrong.
 */
export async function changeUser(
  action: UserAction,
  jid: string,
  { config: file }: ConfigOption,
  io: Io,
): Promise<number> {
  const config = localConfig(loadConfig({ ...io.load, file }));
  const account = parseAccount(jid, config.host.domain);
  const args: ControlArgs = {
    jid: account.toString(),
    ...(action !== 'remove' && { password: await io.readNewPassword() }),
  };
  await askControl(config, { command: `user.${action}`, args });
  io.out(`${account} ${done[action]}.`);
  return 0;
}

/** `belfry user list`: the addresses of all accounts, one on each line. */
export async function listUsers({ config: file }: ConfigOption, io: Io): Promise<number> {
  const config = localConfig(loadConfig({ ...io.load, file }));
  await askControl(config, { command: 'user.list', args: {} }, (jid) => io.out(jid));
  return 0;
}
