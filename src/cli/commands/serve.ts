import { type App, startApp } from '../../app.js';
import { changesForRestart } from '../../config/changes.js';
import type { Config } from '../../config/config.js';
import { loadConfig } from '../../config/load.js';
import { ConfigError } from '../../config/problem.js';
import { createLogger, type Logger } from '../../observability/logger.js';
import { explainFailure } from '../explain-failure.js';
import { formatAddress } from '../format-address.js';
import type { ConfigOption, Io } from '../io.js';
import { ownCommand } from '../own-command.js';

/**
 * `belfry serve`: runs until SIGINT or SIGTERM, then answers what is under way and ends. SIGHUP reads the configuration
 * again. Throws if it cannot start.
 */
export async function serve({ config: file }: ConfigOption, io: Io): Promise<number> {
  const load = () => loadConfig({ ...io.load, file });
  const config = load();
  const logger = createLogger(config.log);
  let reload = () => {};
  const terminated = io.watchSignals(() => reload());
  const start = { script: io.script, cwd: io.load?.cwd ?? process.cwd(), config: file };
  const app = await startApp(config, { logger, command: (words) => ownCommand(words, start) });
  reload = () => void reloadConfig({ running: config, load, app, logger });
  logger.info({ listen: formatAddress(app.httpAddress), publicUrl: config.http.publicUrl }, 'serving');
  const signal = await terminated;
  logger.info({ signal }, 'stopping');
  return stop(app, logger);
}

async function stop(app: App, logger: Logger): Promise<number> {
  try {
    await app.stop();
    logger.info({}, 'stopped');
    return 0;
  } catch (error) {
    logger.error({ reason: explainFailure(error) }, 'stopped with an error');
    return 1;
  }
}

interface Reload {
  /** What the program started with: what needs a restart is still as it says there. */
  readonly running: Config;
  readonly load: () => Config;
  readonly app: Pick<App, 'reload'>;
  readonly logger: Logger;
}

/** Applies what can be applied; a wrong configuration changes nothing. Never rejects. */
export async function reloadConfig({ running, load, app, logger }: Reload): Promise<void> {
  let wanted: Config;
  try {
    wanted = load();
  } catch (error) {
    const problems = error instanceof ConfigError ? error.lines : [explainFailure(error)];
    logger.error({ problems }, 'configuration not reloaded: the former one stays');
    return;
  }
  await app.reload(wanted);
  const keys = changesForRestart(running, wanted);
  if (keys.length > 0) logger.warn({ keys }, 'changed keys that need a restart');
  // The last word: whoever waits for it knows what else there was to say.
  logger.info({}, 'configuration reloaded');
}
