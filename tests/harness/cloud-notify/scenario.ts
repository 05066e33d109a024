import type { Stage } from './stage.js';

export type Need = 'rooms' | 'patience' | 'slixmpp';

/** Something that happens to clients that sleep, on any server. */
export interface Scenario {
  readonly name: string;
  /** What the suite must have: a service for rooms beside the server; half a minute for this alone; slixmpp. */
  readonly needs?: Need;
  /** It is played when all others are over, for it disturbs them. */
  readonly isAlone?: boolean;
  run(stage: Stage): Promise<unknown>;
  /** What comes of it. */
  readonly expected: unknown;
  /** What comes of it on Prosody 0.12, if that is something else. */
  readonly prosody?: Difference;
}

/** A difference between Prosody's mod_cloud_notify and Belfry, as docs/cloud-notify-prosody.md tells operators. */
export interface Difference {
  readonly does: unknown;
  /** What Prosody does, what Belfry does, and why: a row of the page. */
  readonly prosody: string;
  readonly belfry: string;
  readonly why: string;
}
