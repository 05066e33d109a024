/**
 * The storage could not be opened. Message and remedy are for the operator and hold no password; the database's own
 * error is not attached, because it may.
 */
export class StorageOpenError extends Error {
  override readonly name = 'StorageOpenError';
  /** What the operator can do about it. */
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/**
 * A query failed. It keeps the database's message and code only: PostgreSQL's `detail` quotes the values of the row,
 * and rows hold secrets.
 */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  /** SQLite's name of the result (`SQLITE_FULL`), PostgreSQL's SQLSTATE (`53300`) or Node's (`ECONNRESET`). */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  static from(error: unknown): StorageError {
    return new StorageError(messageOf(error), codeOf(error));
  }
}

/** The `code` of a database's or of Node's error; empty if it has none. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** The error's message; an AggregateError (a name with several addresses) has none itself, so that of its first. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
