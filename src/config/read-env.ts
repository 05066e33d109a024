import type { Given } from './given.js';
import type { Problem } from './problem.js';
import { allKeys, variableOf, variablePrefix } from './schema.js';
import { unknownVariableText } from './suggest.js';

/** What Kubernetes and Docker links put into the environment of whatever runs beside a service named `belfry`. */
const serviceLink = /^BELFRY_(?:SERVICE_(?:HOST|PORT\w*)|PORT(?:_\d+_(?:TCP|UDP|SCTP)\w*)?)$/;

type Env = Readonly<Record<string, string | undefined>>;

/** Switches of the tests, which may be set while they start the program. */
const testSwitches = ['BELFRY_REQUIRE_PEERS'];

/** The variables that begin with `BELFRY_`; an empty one counts as unset. Relative paths are relative to `folder`. */
export function readEnv(env: Env, folder: string): { given: Given[]; problems: Problem[] } {
  const given: Given[] = [];
  const problems: Problem[] = [];
  for (const [name, value] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(variablePrefix) || testSwitches.includes(name) || serviceLink.test(name)) continue;
    const key = allKeys.find((candidate) => variableOf(candidate) === name);
    const place = { source: name };
    if (key === undefined) problems.push({ place, text: unknownVariableText(name) });
    else if (value !== undefined && value !== '') given.push({ ...key, value, place, folder });
  }
  return { given, problems };
}
