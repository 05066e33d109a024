import type { StoredRegistration } from '../store.js';
import { isResting, type Registration } from './registration.js';

type List = readonly Registration[];

/** What a client asks for, read by its channel. */
export type Wish = Pick<StoredRegistration, 'channel' | 'client' | 'address' | 'details'>;

/** An account in memory counts as one, and as one more for so many characters that its registrations have. */
const charactersPerUnit = 1024;
/** An element, read, takes as much as so many characters more, however short it is written. */
const charactersPerTag = 32;

export function unitsOf(list: List): number {
  const characters = list.reduce(
    (sum, { address, details }) => sum + address.length + details.length + charactersPerTag * tagsIn(details),
    0,
  );
  return 1 + Math.floor(characters / charactersPerUnit);
}

function tagsIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) count++;
  return count;
}

/** What a wish is to the registration with its address. */
export function compare(known: Registration | undefined, { client, details }: Wish) {
  if (known === undefined) return 'added';
  return known.client === client && known.details === details ? 'unchanged' : 'changed';
}

/** The list when one has been enabled, which may be in it already: it is the newest, and the only one of its client. */
export function withEnabled(
  list: List,
  enabled: Registration,
): { readonly list: List; readonly replaced: List } {
  const others = list.filter((one) => one !== enabled);
  const isReplaced = ({ channel, client }: Registration) =>
    channel === enabled.channel && client === enabled.client;
  return {
    list: [...others.filter((one) => !isReplaced(one)), enabled],
    replaced: others.filter(isReplaced),
  };
}

/**
 * Which have to go so that the one that was enabled has a place: first those that rest, then the oldest. The list has the oldest
 * first.
 */
export function excessOf(list: List, enabled: Registration, maxDevices: number): List {
  const ofChannel = list.filter(({ channel }) => channel === enabled.channel);
  const excess = Math.max(0, ofChannel.length - maxDevices);
  return ofChannel
    .filter((one) => one !== enabled)
    .sort((one, other) => Number(isResting(other)) - Number(isResting(one)))
    .slice(0, excess);
}
