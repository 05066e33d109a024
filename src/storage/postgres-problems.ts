import pg from 'pg';
import { codeOf, messageOf, StorageOpenError } from './errors.js';

interface Problem {
  /** SQLSTATEs, Node's codes; or words of a message that comes without a code. */
  readonly match: RegExp;
  readonly text: string;
  readonly remedy: string;
}

/** What goes wrong when a PostgreSQL database is opened, and what helps. */
const problems: readonly Problem[] = [
  {
    match: /^(28P01|28000)$|password must be|no password/i,
    text: 'refuses the user or the password',
    remedy: "Check user and password in 'storage', and the server's pg_hba.conf.",
  },
  {
    match: /^3D000$/,
    text: 'has no such database',
    remedy: 'Make it: createdb --owner=USER --encoding=UTF8 --template=template0 NAME.',
  },
  {
    match: /^(ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/,
    text: 'is an unknown host',
    remedy: "Check the host name in 'storage'.",
  },
  {
    match: /^(ECONNREFUSED|ENOENT|EHOSTUNREACH|ENETUNREACH)$/,
    text: 'cannot be reached',
    remedy: "Check that PostgreSQL runs and listens there (listen_addresses, port), or correct 'storage'.",
  },
  {
    match: /^(ETIMEDOUT)$|connection timeout|timeout exceeded/i,
    text: 'does not answer',
    remedy: "Check the address in 'storage' and the firewalls on the way.",
  },
  {
    match: /^(57P0[123])$|^ECONNRESET$|terminated unexpectedly/i,
    text: 'is starting, stopping or ended the connection',
    remedy: 'Start Belfry again when PostgreSQL is up.',
  },
  {
    match: /^53300$/,
    text: 'has no free connection',
    remedy: 'Raise max_connections: each Belfry process uses up to ten.',
  },
  {
    match: /^42501$/,
    text: 'does not let this user make tables',
    remedy: 'Make the user the owner of the database: ALTER DATABASE name OWNER TO user.',
  },
  {
    match: /^42P07$/,
    text: 'has tables of other programs with names that Belfry uses',
    remedy: 'Give Belfry a database of its own.',
  },
  {
    match: /^55P03$/,
    text: 'is being migrated by another process, for more than a minute',
    remedy: 'Wait for it, or find what holds the lock in pg_stat_activity.',
  },
  {
    match: /SSL|certificate|^(DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|CERT_|ERR_TLS)/i,
    text: 'and Belfry do not agree on TLS',
    remedy: "Check sslmode and sslrootcert in 'storage', and ssl in postgresql.conf.",
  },
];

/** Where a database is, for messages, and the password that must not be in them. */
export interface PostgresTarget {
  /** Host, port and database. */
  readonly place: string;
  readonly password: string;
}

/**
 * The shape of a PostgreSQL URL. An `@` after the host is the end of a password with a `/`, `?` or `#` that was not
 * encoded: what stands before it would be taken for host and port, and shown.
 */
const urlForm = /^postgres(ql)?:\/\/[^/?#]*([/?][^@#]*)?$/;

/** Reads the URL as pg does. Throws `StorageOpenError`. */
export function parseTarget(url: string): PostgresTarget {
  if (!urlForm.test(url)) throw invalidUrl();
  try {
    const { host, port, database, password } = new pg.Client({ connectionString: url });
    return { place: `${host}:${port}/${database}`, password: password ?? '' };
  } catch (error) {
    if (!/^(ENOENT|EACCES|EISDIR|ENOTDIR)$/.test(codeOf(error))) throw invalidUrl();
    throw new StorageOpenError(
      `'storage' names a file that cannot be read (${messageOf(error)}).`,
      'Check sslrootcert, sslcert and sslkey.',
    );
  }
}

function invalidUrl(): StorageOpenError {
  return new StorageOpenError(
    "'storage' is not a valid PostgreSQL URL.",
    'Write postgres://user:password@host:5432/database; encode special characters of the password (%2F for /).',
  );
}

/** The error for the operator, without the password. */
export function explainPostgres({ place, password }: PostgresTarget, error: unknown): StorageOpenError {
  if (error instanceof StorageOpenError) return error;
  const code = codeOf(error);
  const message = messageOf(error);
  const known = problems.find(({ match }) => match.test(code) || match.test(message));
  if (known !== undefined) {
    const suffix = code === '' ? '' : ` (${code})`;
    return new StorageOpenError(`PostgreSQL at ${place} ${known.text}${suffix}.`, known.remedy);
  }
  const safe = password === '' ? message : message.replaceAll(password, '***');
  return new StorageOpenError(`PostgreSQL at ${place}: ${safe}`, "Check 'storage'.");
}
