import type { News, Notice } from './notice.js';

/** Notices of a registration that may wait; there are several only where each is about something. */
export const maxNotices = 20;

/** Notices that wait, in the order in which they came: of each topic at most one of each level. */
export class Waiting {
  readonly #notices: Notice[] = [];

  get isEmpty(): boolean {
    return this.#notices.length === 0;
  }

  /** The one that the news belong to. */
  find({ level, topic }: News): Notice | undefined {
    return this.#notices.find(({ news }) => news.level === level && news.topic === topic);
  }

  /** Answers what it was given. */
  add(notice: Notice): Notice {
    this.#notices.push(notice);
    return notice;
  }

  /** The one that is due first. */
  soonest(): Notice | undefined {
    let soonest: Notice | undefined;
    for (const notice of this.#notices) {
      if (soonest === undefined || notice.due < soonest.due) soonest = notice;
    }
    return soonest;
  }

  remove(notice: Notice): void {
    const at = this.#notices.indexOf(notice);
    if (at !== -1) this.#notices.splice(at, 1);
  }

  /** The next one, important ones before others; what is needless beside it waits no longer. */
  take(): Notice | undefined {
    const next = this.#notices.find(isImportant);
    if (next === undefined) return this.#notices.shift();
    this.remove(next);
    const needless = this.#notices.find((other) => !isImportant(other) && other.isNeedlessBeside(next));
    if (needless !== undefined) {
      needless.mergeInto(next);
      this.remove(needless);
    }
    return next;
  }

  /** If there are too many: the one that goes, which is the oldest one, of those that are unimportant if there are such. */
  takeExcess(): Notice | undefined {
    if (this.#notices.length <= maxNotices) return undefined;
    const excess = this.#notices.find((notice) => !isImportant(notice)) ?? this.#notices[0];
    if (excess !== undefined) this.remove(excess);
    return excess;
  }

  /** All of them, which wait no longer. */
  clear(): Notice[] {
    return this.#notices.splice(0);
  }
}

const isImportant = ({ news }: Notice) => news.level === 'important';
