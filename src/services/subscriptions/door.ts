import type { Guard } from '../../net/guard.js';
import { StanzaError } from '../../xmpp/stanza-error.js';
import { ChangeLimit } from '../change-limit.js';
import { refusedEndpoint } from './offered.js';

/** Questions to DNS that may be open for an account at once, and for all. */
export const maxQuestions = 5;
export const maxQuestionsInAll = 500;

/** Says whether endpoints may be kept for an account. */
export interface Door {
  /**
   * Asks DNS where an endpoint leads. Resolves if it may be kept; that it may be used is found out again whenever it is. Rejects
   * with a `StanzaError` if it may not, or if too much is asked: for all at once, for the account at once, or as often as it may
   * change something.
   */
  check(account: string, endpoint: string): Promise<void>;
}

/**
 * Clients choose the names that are asked for, and whose DNS servers answer, or do not: without bounds one could have them asked
 * for by the thousand, and a server's many accounts could take all the places that there are for requests. `now`: milliseconds of
 * any clock.
 */
export function createDoor(guard: Pick<Guard, 'judge' | 'parse'>, now: () => number): Door {
  const limit = new ChangeLimit();
  const questions = new Map<string, number>();
  let inAll = 0;
  const count = (account: string, change: 1 | -1) => {
    inAll += change;
    const open = (questions.get(account) ?? 0) + change;
    if (open === 0) questions.delete(account);
    else questions.set(account, open);
    return open;
  };
  return {
    async check(account, endpoint) {
      const url = guard.parse(endpoint);
      if (url.kind === 'refused') throw refusedEndpoint(url.why);
      try {
        const isTooMuch = count(account, 1) > maxQuestions || inAll > maxQuestionsInAll;
        if (isTooMuch || !limit.take(account, now())) throw tooMany();
        const why = await guard.judge(url.hostname);
        if (why !== undefined) throw refusedEndpoint(why);
      } finally {
        count(account, -1);
      }
    },
  };
}

const tooMany = () => new StanzaError('resource-constraint', 'Too many endpoints at once. Try again later.');
