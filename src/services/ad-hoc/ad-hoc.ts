import type { Host } from '../../hosts/host.js';
import type { Command } from './command.js';

export interface AdHocOptions {
  readonly host: Pick<Host, 'domain' | 'onIq' | 'advertise'>;
  readonly commands: readonly Command[];
  /** Commands that are not listed, and refused when they are asked for: by node, what is thrown then. */
  readonly refused: ReadonlyMap<string, () => Error>;
  readonly randomBytes: (size: number) => Uint8Array;
}

/** Offers commands at the host's domain (XEP-0050). */
export function offerCommands(options: AdHocOptions): void {
  void options;
}
