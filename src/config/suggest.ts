import { aboutOf, allKeys, settingNames, variableOf, variablePrefix } from './schema.js';

/** What to tell who wrote a key that does not exist, in the section `prefix` (empty, or with a dot at its end). */
export function unknownKeyText(prefix: string, name: string): string {
  const known = settingNames.filter((setting) => aboutOf(setting).prosody === name);
  if (known.length > 0) return `is Prosody's name; write it here as ${known.join(' or ')}`;
  const here = namesIn(prefix);
  const near = nearest(name, here);
  if (near !== undefined) return `is no key; did you mean ${prefix}${near}?`;
  const elsewhere = allKeys.map(({ path }) => path).filter((path) => path.endsWith(`.${name}`));
  if (elsewhere.length > 0) return `is no key here; did you mean ${elsewhere.join(' or ')}?`;
  return `is no key; ${prefix === '' ? 'keys' : 'its keys'} are ${here.join(', ')}`;
}

/** What to tell who set an environment variable that means nothing. */
export function unknownVariableText(name: string): string {
  const withoutPrefix = (variable: string) => variable.slice(variablePrefix.length);
  const near = nearest(
    withoutPrefix(name),
    allKeys.map((key) => withoutPrefix(variableOf(key))),
  );
  return near === undefined
    ? 'is no variable of Belfry; unset it, or see docs/configuration.md for those there are'
    : `is no variable of Belfry; did you mean ${variablePrefix}${near}?`;
}

/** Keys and sections directly below the prefix. */
function namesIn(prefix: string): string[] {
  const below = allKeys
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length).split('.')[0] ?? '');
  return [...new Set(below)];
}

/** The candidate that fewest changes of a character lead to, if they are few enough to be a slip. */
function nearest(name: string, candidates: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.min(3, Math.floor(name.length / 3)));
  const text = name.slice(0, 100).toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, distance: editDistance(text, candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Levenshtein's distance: characters inserted, removed or replaced. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
