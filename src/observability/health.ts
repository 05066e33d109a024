/** What one check of readiness found. */
export type CheckResult = 'ok' | 'failed' | 'timeout';

export interface Readiness {
  readonly isReady: boolean;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

export interface Health {
  /** Asks all checks, or answers what they said a moment ago. Never rejects. */
  readiness(): Promise<Readiness>;
}

/** True: ready. False or an error: not. */
type Check = () => boolean | Promise<boolean>;

export interface HealthOptions {
  /** What has to be true for requests to be answered, by name. The name is public. */
  readonly checks: Readonly<Record<string, Check>>;
  /** Milliseconds that a check may take before it counts as failed. */
  readonly timeout?: number;
  /** Milliseconds for which an answer is reused, so that asking often costs nothing. */
  readonly cacheFor?: number;
  readonly now?: () => number;
}

type NamedCheck = readonly [name: string, check: () => Promise<CheckResult>];

/** Readiness from named checks; all askers within `cacheFor` share one run of them. */
export function createHealth({
  checks,
  timeout = 2_000,
  cacheFor = 1_000,
  now = () => performance.now(),
}: HealthOptions): Health {
  const named = Object.entries(checks).map(([name, check]): NamedCheck => [name, once(check)]);
  let last: { at: number; answer: Promise<Readiness> } | undefined;
  return {
    readiness() {
      if (last === undefined || now() - last.at >= cacheFor) {
        last = { at: now(), answer: runChecks(named, timeout) };
      }
      return last.answer;
    },
  };
}

async function runChecks(checks: readonly NamedCheck[], timeout: number): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ([name, check]) => [name, await inTime(check(), timeout)] as const),
  );
  return {
    isReady: results.every(([, result]) => result === 'ok'),
    checks: Object.fromEntries(results),
  };
}

/** Joins a run that is still under way, so that a check that hangs is running at most once. */
function once(check: Check): () => Promise<CheckResult> {
  let running: Promise<CheckResult> | undefined;
  return () => {
    running ??= runCheck(check).finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function runCheck(check: Check): Promise<CheckResult> {
  try {
    return (await check()) ? 'ok' : 'failed';
  } catch {
    return 'failed';
  }
}

function inTime(result: Promise<CheckResult>, timeout: number): Promise<CheckResult> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('timeout'), timeout);
    void result.then((found) => {
      clearTimeout(timer);
      resolve(found);
    });
  });
}
