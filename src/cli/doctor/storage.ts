import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../config/config.js';
import { StorageOpenError } from '../../storage/errors.js';
import { inspectStorage } from '../../storage/open.js';
import type { Finding } from './finding.js';

const what = 'storage';

const stateTexts = {
  current: ', and its schema is up to date',
  older: '; the next start brings its schema up to date',
  none: '; the first start makes its tables',
} as const;

/** Whether the database opens, and, for SQLite, whether its folder is one in which Belfry can work. */
export async function checkStorage({ storage, dataDir }: Config): Promise<Finding[]> {
  if (storage.kind === 'postgres') return [await checkOpens(storage, 'PostgreSQL')];
  // Opening would make the file, and it would belong to whoever runs the doctor.
  const isThere = existsSync(storage.file);
  const opens = isThere ? await checkOpens(storage, storage.file) : checkCanBeMade(dataDir);
  const owner = isThere ? checkOwner(dataDir) : undefined;
  return owner === undefined ? [opens] : [opens, owner];
}

async function checkOpens(storage: Config['storage'], name: string): Promise<Finding> {
  try {
    const state = await inspectStorage(storage, { events: { storageFailed() {} } });
    return { status: 'ok', what, text: `${name} opens${stateTexts[state]}` };
  } catch (error) {
    if (!(error instanceof StorageOpenError)) throw error;
    return { status: 'failed', what, text: error.message.replace(/\.$/, ''), remedy: error.remedy };
  }
}

/** Looks at the folder, or at the nearest one above it that exists. */
function checkCanBeMade(dataDir: string): Finding {
  let folder = dataDir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const remedy = 'Set data_dir to a folder that Belfry may write to, or make one for its user.';
  if (!statSync(folder).isDirectory()) {
    return { status: 'failed', what, text: `data_dir: ${folder} is not a folder`, remedy };
  }
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return { status: 'ok', what, text: `there is none yet; the first start makes it in ${dataDir}` };
  } catch {
    return { status: 'failed', what, text: `data_dir: ${folder} may not be written`, remedy };
  }
}

/** What the doctor may do says nothing about another user. */
function checkOwner(dataDir: string): Finding | undefined {
  const own = process.getuid?.();
  const owner = statSync(dataDir).uid;
  if (own === undefined || own === owner) return undefined;
  return {
    status: 'warning',
    what,
    text: `data_dir belongs to user ${owner}, and this check ran as user ${own}`,
    remedy: 'Run belfry doctor as the user that Belfry runs as.',
  };
}
