import { type ErrorCode, errorTable } from '../errors.js';
import type { Reporter } from './reporter.js';

/** Registrations for pushes. */
export interface RegistrationEvents {
  /** A device registered for pushes. */
  registered(event: { jid: string; backend: string; expiresAt: number }): void;
  registrationRefused(event: { jid: string; code: ErrorCode }): void;
  /** A device disowned a registration, and its endpoint is dead from now on. */
  registrationRevoked(event: { jid: string; backend: string; reason: string }): void;
  /** Expired rows were removed. */
  swept(event: { what: string; rows: number }): void;
}

/** Lines and metrics of registrations. */
export function registrationEvents({ logger, metrics, never, gate }: Reporter): RegistrationEvents {
  return {
    registered({ jid, backend, expiresAt }) {
      never(() => {
        metrics.registrations.inc({ result: 'ok' });
        const expires = new Date(expiresAt * 1000).toISOString();
        logger.info({ jid, backend, expires }, 'registered');
      });
    },
    registrationRefused({ jid, code }) {
      never(() => {
        metrics.registrations.inc({ result: code });
        const { level, ...more } = gate(`registration ${code}`, errorTable[code].log);
        logger[level]({ jid, code, ...more }, 'registration refused');
      });
    },
    registrationRevoked({ jid, backend, reason }) {
      never(() => {
        metrics.revocations.inc();
        logger.info({ jid, backend, reason }, 'registration revoked: the device disowned it');
      });
    },
    swept({ what, rows }) {
      never(() => {
        metrics.sweptRows.inc({ what }, rows);
        logger.debug({ what, rows }, 'expired rows removed');
      });
    },
  };
}
