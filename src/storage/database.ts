import type { Generated, Kysely, RawBuilder } from 'kysely';
import type { ArchivePreferences, Subscription } from '../hosts/standalone/store.js';
import type { Urgency } from '../web-push/request.js';
import type { StorageOpenError } from './errors.js';

/** The tables as they are after the last migration. Times are Unix seconds, if nothing else is said. */
export interface Schema {
  unified_push_registrations: {
    id_hash: Uint8Array;
    seed: Uint8Array;
    bare_jid: string;
    resource: string;
    application: string;
    instance: string;
    expires_at: number;
    /** Grows with each renewal. */
    revision: Generated<number>;
  };
  revoked_tokens: { token_hash: Uint8Array; expires_at: number };
  keys: { name: string; value: string; created_at: Generated<number> };
  accounts: {
    id: Generated<number>;
    /** Prepared. */
    bare_jid: string;
    /** Keys in the form of RFC 5803. */
    scram_sha1: string;
    scram_sha256: string;
    created_at: Generated<number>;
  };
  contacts: {
    account_id: number;
    jid: string;
    name: string;
    /** A list, as JSON. */
    groups: string;
    subscription: Subscription;
    /** 0 or 1, as are `approved` and `listed`. */
    ask: number;
    approved: number;
    listed: number;
    /** XML. */
    pending_in: string | null;
  };
  offline_messages: { id: Generated<number>; account_id: number; message: string };
  blocked_jids: { account_id: number; jid_hash: string; jid: string };
  documents: { account_id: number; kind: string; key_hash: string; content: string };
  archive: {
    /** Microseconds since 1970. */
    id: number;
    account_id: number;
    with_bare: string;
    with_resource: string;
    /** XML. */
    message: string;
  };
  archive_preferences: {
    account_id: number;
    fallback: ArchivePreferences['fallback'];
    /** Lists, as JSON. */
    always_jids: string;
    never_jids: string;
  };
  notify_registrations: {
    account_id: number;
    channel: string;
    address_hash: string;
    client: string;
    address: string;
    details: string;
    /** Unix milliseconds, as is `rests_since`. */
    enabled_at: number;
    failures: number;
    rests_since: number | null;
  };
  /** Times are Unix milliseconds. */
  web_push_queue: {
    id: Generated<number>;
    due_at: number;
    attempts: number;
    /** 0 or 1. */
    is_claimed: number;
    expires_at: number;
    endpoint_hash: string;
    sender_hash: string;
    topic: string | null;
    urgency: Urgency;
    origin: string;
    service: string;
    reference: string;
    endpoint: string;
    body: Uint8Array;
    shorter: Uint8Array | null;
    authorization: string | null;
  };
  gateway_registrations: {
    node: string;
    account: string;
    device: string;
    endpoint_hash: string;
    endpoint: string;
    p256dh: Uint8Array;
    auth: Uint8Array;
    /** 0 or 1. */
    only_important: number;
    /** Unix milliseconds. */
    renewed_at: number;
    failures: number;
  };
  /** One row per migration that was applied. */
  belfry_schema: { version: number; applied_at: Generated<number> };
}

export interface Result<Row> {
  readonly rows: readonly Row[];
  /** Rows that a statement without RETURNING inserted, updated or deleted. */
  readonly changes: number;
}

/** A prepared statement. Rejects with a `StorageError`. */
export type Statement<Args, Row> = (args: Args) => Promise<Result<Row>>;

/** Stands for an argument in a query that is built once and run often. */
export type Param<Args> = <Name extends keyof Args & string>(name: Name) => RawBuilder<Args[Name]>;

/** What kysely's query builders have in common here. */
export interface Query<Row> {
  compile(): { readonly sql: string; readonly parameters: readonly unknown[]; readonly query: unknown };
  execute(): Promise<Row[]>;
}

/** Makes a query whose arguments come later. */
export type Build<Args, Row> = (param: Param<Args>, db: Kysely<Schema>) => Query<Row>;

/** All columns of a table, with their types. */
export type Columns<Table extends keyof Schema> = Readonly<Record<keyof Schema[Table], 'bigint' | 'text'>>;

/**
 * An open database of either kind. Queries are written once, with kysely; `prepare` compiles each of them once and
 * runs it as a prepared statement, without kysely's cost per query.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly kysely: Kysely<Schema>;
  /** `name` is unique among the statements of this database. */
  prepare<Args, Row>(name: string, build: Build<Args, Row>): Statement<Args, Row>;
  /**
   * Statements that are run one after another, with the same arguments: all of them or none. Beside those of a lock, which is a
   * text, no others of that lock run, whichever process they are of. The answer has the rows of each.
   */
  prepareSequence<Args, Row>(
    name: string,
    lock: (args: Args) => string,
    builds: readonly Build<Args, Row>[],
  ): (args: Args) => Promise<readonly (readonly Row[])[]>;
  /**
   * A statement that inserts one row. Those of a turn of the event loop share one wait for the disk, and they are there in
   * the order in which they were given. One that breaks a rule of the schema fails alone.
   */
  prepareInsert<Table extends keyof Schema>(
    table: Table,
    columns: Columns<Table>,
  ): (row: Readonly<Schema[Table]>) => Promise<void>;
  /** Begins a transaction of a connection that no other process's `beginExclusive` runs beside; waits for those. */
  beginExclusive(connection: Kysely<Schema>): Promise<void>;
  /** What the operator should read when the database failed while it was being opened. */
  explain(error: unknown): StorageOpenError;
  close(): Promise<void>;
}
