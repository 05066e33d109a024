import type { Element } from '../../../xmpp/element.js';
import { bareOf } from '../../../xmpp/jid.js';
import type { Notification } from '../channel.js';
import type { Absence } from './absences.js';
import { patience } from './error-policy.js';

/** What a device is to be told of. */
export interface News extends Pick<Notification, 'level' | 'kind'> {
  readonly stanza: Element;
  /** What it is about (`Target.topicOf`); '' where all is about the same. */
  readonly topic: string;
  /** It cannot wait until more has come: somebody calls, or calls no longer. */
  readonly isUrgent: boolean;
  /** It is one more that is worth showing. */
  readonly isCounted: boolean;
}

/** One notification that is to be made, of all the news that came until then. The newest of them is what it says. */
export class Notice {
  news: News;
  /** When it may be told, of a call. Other notices of a registration are all due at once. */
  due: number;
  /** When it is not worth it any more. */
  giveUpAt: number;
  /** News in it that count and were not counted yet. */
  uncounted: number;
  /** Which visit of the client was the last one before this was made, or came up once more. */
  visit: number;
  /** Its channel has it on disk, since that absence of the client. */
  queuedIn: Absence | undefined;
  #wasDelivered = false;
  #isLost = false;
  #mergedInto: Notice | undefined;

  constructor(news: News, now: number, visit: number) {
    this.news = news;
    this.visit = visit;
    this.due = now;
    this.giveUpAt = giveUpAt(news, now);
    this.uncounted = news.isCounted ? 1 : 0;
  }

  /** Whether it will never be told: nobody was told of its news then. */
  get isLost(): boolean {
    const { whole } = this;
    return whole.#isLost || whole.queuedIn?.isWithdrawn === true;
  }

  get isDelivered(): boolean {
    return this.#wasDelivered || this.queuedIn?.isReached === true;
  }

  /** The one that it has become a part of, or itself. */
  get whole(): Notice {
    return this.#mergedInto?.whole ?? this;
  }

  /** News in it that are counted from now on. */
  takeUncounted(): number {
    const { uncounted } = this;
    this.uncounted = 0;
    return uncounted;
  }

  deliver(): void {
    this.#wasDelivered = true;
  }

  lose(): void {
    this.#isLost = true;
  }

  renew(news: News, now: number): void {
    this.news = news;
    this.due = now;
    this.giveUpAt = giveUpAt(news, now);
    if (news.isCounted) this.uncounted++;
  }

  /** This one has failed, and that one waits: they become one, which says what the newer one says. */
  absorb(newer: Notice): void {
    this.news = newer.news;
    this.due = newer.due;
    this.giveUpAt = newer.giveUpAt;
    this.uncounted += newer.uncounted;
    newer.mergeInto(this);
  }

  /** Its fate is that of the other one. */
  mergeInto(other: Notice): void {
    this.#mergedInto = other;
  }

  /** Whether this, an unimportant one, says nothing that an important one does not say: that somebody sent something. */
  isNeedlessBeside(important: Notice): boolean {
    return this.news.topic === important.news.topic && senderOf(this) === senderOf(important);
  }
}

/** What was never tried yet is not given up, unless it is a call that nobody could answer any more. */
function giveUpAt({ isUrgent }: News, now: number): number {
  return isUrgent ? now + patience.call : Number.POSITIVE_INFINITY;
}

function senderOf({ news }: Notice): string | undefined {
  const from = news.stanza.attr('from');
  return from === undefined ? undefined : bareOf(from);
}
