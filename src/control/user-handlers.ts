import {
  type AccountAdmin,
  AccountNameError,
  accountName,
  PasswordError,
} from '../hosts/standalone/account-admin.js';
import { Jid, JidError } from '../xmpp/jid.js';
import { type ControlArgs, ControlError, type ControlHandlers } from './protocol.js';

/** What `belfry user` asks for, about the accounts of `domain`: `user.add`, `user.passwd`, `user.remove`, `user.list`. */
export function userHandlers(accounts: AccountAdmin, domain: Jid): ControlHandlers {
  const account = ({ jid = '' }: ControlArgs) => parseAccount(jid, domain);
  return {
    'user.add': async (args) => {
      const jid = account(args);
      const result = await explained(() => accounts.create(jid, args['password'] ?? '', 'operator'));
      if (result === 'exists') throw new ControlError(`There is an account ${jid} already.`);
    },
    'user.passwd': async (args) => {
      const jid = account(args);
      const isSet = await explained(() => accounts.setPassword(jid, args['password'] ?? '', 'operator'));
      if (!isSet) throw unknown(jid);
    },
    'user.remove': async (args) => {
      const jid = account(args);
      if (!(await accounts.remove(jid, 'operator'))) throw unknown(jid);
    },
    'user.list': async (_args, write) => {
      for await (const jid of accounts.list()) await write(jid);
    },
  };
}

/**
 * The address of an account of that domain.
 * @throws {ControlError} if the text is none
 */
export function parseAccount(text: string, domain: Jid): Jid {
  try {
    const jid = Jid.parse(text);
    accountName(jid, domain);
    return jid;
  } catch (error) {
    if (error instanceof JidError) throw new ControlError(`"${text}" is no address: ${error.message}.`);
    throw explain(error);
  }
}

export function unknown(account: Jid): ControlError {
  return new ControlError(`There is no account ${account}.`);
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error);
  }
}

/** What an operator may be told of it is told; everything else stays what it is. */
function explain(error: unknown): unknown {
  const isExplained = error instanceof PasswordError || error instanceof AccountNameError;
  return isExplained ? new ControlError(error.message) : error;
}
