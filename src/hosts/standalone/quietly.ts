import type { Events } from '../../observability/events.js';

/**
 * Does something that nobody's work depends on. What it throws, or rejects with, is reported as a failure of `what`: this
 * neither throws nor rejects.
 */
export function quietly(
  events: Pick<Events, 'handlerFailed'>,
  what: string,
  action: () => void | Promise<void>,
): void | Promise<void> {
  const fail = (error: unknown) => events.handlerFailed({ what, error });
  try {
    const pending = action();
    if (pending instanceof Promise) return pending.catch(fail);
  } catch (error) {
    fail(error);
  }
}
