import type { Events } from '../../../observability/events.js';
import type { Jid } from '../../../xmpp/jid.js';
import { RandomText } from '../../../xmpp/random-text.js';
import type { AccountStore } from '../store.js';
import { BoundedWork } from './bounded-work.js';
import { claimants } from './claimant.js';
import type { ScramHash } from './credentials.js';
import { defaultGuessLimits, type GuessLimitOptions, GuessLimits } from './guess-limits.js';
import { refuse, type Take, type Turn } from './mechanism.js';
import { plain } from './plain.js';
import type { Channel, Sasl, SaslExchange, SaslStep } from './sasl.js';
import { scram } from './scram.js';

export interface SaslOptions {
  readonly domain: Jid;
  readonly accounts: AccountStore;
  /** A secret of the installation, at least 16 bytes that stay the same: what accounts look like that do not exist. */
  readonly secret: Uint8Array;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly events: Events;
  readonly limits?: GuessLimitOptions;
}

/** Authentication that counts failures until it is closed. */
export interface SaslServer extends Sasl {
  /** Forgets whatever was counted. Exchanges under way may go on. */
  close(): void;
}

/** PBKDF2 runs in Node's four threads, which files and names need too. */
const passwordsAtOnce = 2;
/** About two seconds' work. */
const maxWaitingPasswords = 500;

interface Mechanism {
  readonly name: string;
  isOfferedOn(channel: Channel): boolean;
  begin(channel: Channel): Take;
}

/** Authentication against the accounts of a domain. */
export function createSasl(options: SaslOptions): SaslServer {
  const { events } = options;
  const limits = new GuessLimits(options.limits ?? defaultGuessLimits);
  const mechanisms = mechanismsOf(options, limits);
  const offeredOn = (channel: Channel) => mechanisms.filter((mechanism) => mechanism.isOfferedOn(channel));
  return {
    mechanisms: (channel) => offeredOn(channel).map(({ name }) => name),
    begin(name, channel) {
      const mechanism = offeredOn(channel).find((offered) => offered.name === name);
      return mechanism && new Exchange(mechanism, channel, events);
    },
    close: () => limits.close(),
  };
}

/** The best first: what binds to the channel, what hashes better, what hides the password. */
function mechanismsOf(options: SaslOptions, limits: GuessLimits): readonly Mechanism[] {
  const { domain } = options;
  const nonces = new RandomText(options.randomBytes);
  const nextNonce = () => nonces.next();
  const work = new BoundedWork(passwordsAtOnce, maxWaitingPasswords);
  const tools = { domain, find: claimants(options), limits };
  const scramWith = (name: string, hash: ScramHash, binds: boolean): Mechanism => ({
    name,
    isOfferedOn: (channel) => !binds || channel.bindings.size > 0,
    begin: (channel) => scram({ ...tools, hash, binds, channel, nextNonce }),
  });
  return [
    scramWith('SCRAM-SHA-256-PLUS', 'sha256', true),
    scramWith('SCRAM-SHA-1-PLUS', 'sha1', true),
    scramWith('SCRAM-SHA-256', 'sha256', false),
    scramWith('SCRAM-SHA-1', 'sha1', false),
    {
      name: 'PLAIN',
      isOfferedOn: (channel) => channel.isPrivate,
      begin: (channel) => plain({ ...tools, channel, work }),
    },
  ];
}

/** One exchange: hands messages to the mechanism in turn, and tells of its end. */
class Exchange implements SaslExchange {
  readonly #mechanism: string;
  readonly #channel: Channel;
  readonly #events: Events;
  /** What takes the next message; undefined while one is looked at, and at the end. */
  #take: Take | undefined;
  #isBegun = false;

  constructor(mechanism: Mechanism, channel: Channel, events: Events) {
    this.#mechanism = mechanism.name;
    this.#channel = channel;
    this.#events = events;
    this.#take = mechanism.begin(channel);
  }

  async next(response: Uint8Array | undefined): Promise<SaslStep> {
    const isFirst = !this.#isBegun;
    this.#isBegun = true;
    // All mechanisms begin with the client: it is asked to (RFC 6120 §6.4.2).
    if (isFirst && response === undefined) return { kind: 'challenge', data: new Uint8Array() };
    const take = this.#take;
    this.#take = undefined;
    const turn = await this.#turn(take, response ?? new Uint8Array());
    if (turn.kind === 'success') return turn;
    if (turn.kind === 'failure') return this.#fail(turn);
    this.#take = turn.takeNext;
    return { kind: 'challenge', data: turn.data };
  }

  async #turn(take: Take | undefined, message: Uint8Array): Promise<Turn> {
    if (take === undefined) return refuse('malformed-request');
    try {
      return await take(message);
    } catch (error) {
      this.#events.handlerFailed({ what: 'authentication', error });
      return refuse('temporary-auth-failure');
    }
  }

  #fail({ condition, text, claimed }: Turn & { kind: 'failure' }): SaslStep {
    this.#events.authenticationFailed({
      client: this.#channel.remoteAddress,
      mechanism: this.#mechanism,
      condition,
      ...(text === undefined ? {} : { text }),
      ...(claimed === undefined ? {} : { account: claimed.toString() }),
    });
    return { kind: 'failure', condition, ...(text === undefined ? {} : { text }) };
  }
}
