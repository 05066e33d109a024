import type { Generated, Kysely, RawBuilder } from 'kysely';
import type { Subscription } from '../hosts/standalone/store.js';
import type { StorageOpenError } from './errors.js';

/** The tables as they are after the last migration. Times are Unix seconds. */
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

/**
 * An open database of either kind. Queries are written once, with kysely; `prepare` compiles each of them once and
 * runs it as a prepared statement, without kysely's cost per query.
 */
export interface Database {
  readonly kind: 'sqlite' | 'postgres';
  readonly kysely: Kysely<Schema>;
  /** `name` is unique among the statements of this database. */
  prepare<Args, Row>(
    name: string,
    build: (param: Param<Args>, db: Kysely<Schema>) => Query<Row>,
  ): Statement<Args, Row>;
  /** Begins a transaction of a connection that no other process's `beginExclusive` runs beside; waits for those. */
  beginExclusive(connection: Kysely<Schema>): Promise<void>;
  /** What the operator should read when the database failed while it was being opened. */
  explain(error: unknown): StorageOpenError;
  close(): Promise<void>;
}
