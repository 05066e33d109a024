import type { Reporter } from './reporter.js';

/** Accounts of the embedded server, and its certificate. */
export interface AccountEvents {
  accountCreated(event: { jid: string; by: 'operator' | 'registration'; client?: string }): void;
  accountRemoved(event: { jid: string; by: 'operator' | 'user' }): void;
  passwordChanged(event: { jid: string; by: 'operator' | 'user' }): void;
  /** The certificate was read, at the start or again; `until` is its last day, `problems` what clients will dislike. */
  certificateLoaded(event: { names: readonly string[]; until: Date; problems: readonly string[] }): void;
  /** The certificate could not be read again: the one before stays. */
  certificateRejected(event: { reason: string }): void;
}

/** Lines and metrics of accounts and of the certificate. */
export function accountEvents({ logger, metrics, never }: Reporter): AccountEvents {
  return {
    accountCreated({ jid, by, client }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'created', by });
        logger.info({ jid, by, client }, 'account created');
      });
    },
    accountRemoved({ jid, by }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'removed', by });
        logger.info({ jid, by }, 'account removed');
      });
    },
    passwordChanged({ jid, by }) {
      never(() => {
        metrics.accountChanges.inc({ change: 'password', by });
        logger.info({ jid, by }, 'password changed');
      });
    },
    certificateLoaded({ names, until, problems }) {
      never(() => {
        metrics.certificateExpiry.set(until.getTime() / 1000);
        const loaded = { names, until: until.toISOString() };
        if (problems.length === 0) logger.info(loaded, 'certificate loaded');
        else logger.warn({ ...loaded, problems }, 'certificate loaded, with problems');
      });
    },
    certificateRejected({ reason }) {
      never(() => logger.error({ reason }, 'certificate not loaded: the former one stays'));
    },
  };
}
