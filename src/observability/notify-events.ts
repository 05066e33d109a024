import type { Reporter } from './reporter.js';

/**
 * Devices that are told of what waits for them while they sleep. `channel` is the way to them, `service` who is asked to
 * reach them: a JID, an origin.
 */
export interface NotifyEvents {
  /** A client asked to be told; at each login, so mostly `unchanged`. */
  deviceEnabled(event: Device & { service: string; result: 'added' | 'changed' | 'unchanged' }): void;
  /** What a client asked for cannot be. */
  deviceRefused(event: Device & { reason: string }): void;
  /** A registration is gone: by its client or service, for a newer one, with its account, or because it led nowhere. */
  deviceRemoved(
    event: Device & {
      service: string;
      why: 'client' | 'replaced' | 'too-many' | 'gone' | 'service' | 'account';
    },
  ): void;
  /** After so many refusals in a row a registration is tried once a day only. */
  deviceRests(event: Device & { service: string; failures: number; reason: string }): void;
  /** A registration that rested is told of everything again. */
  deviceActiveAgain(event: Device & { service: string }): void;
  /** What a stanza means to a device; `why` says which rule it was. */
  notificationDecided(
    event: Device & {
      service: string;
      source: 'offline' | 'archive' | 'hibernation' | 'acknowledgement' | 'call' | 'room' | 'subscription';
      told: 'important' | 'unimportant' | 'no';
      why: string;
    },
  ): void;
  /** A delivery has ended. */
  notificationSent(event: NotificationSent): void;
  /** Something that waited to be told is not told any more; `rests`: its registration begins to. */
  notificationDropped(
    event: Device & { why: 'client is back' | 'too late' | 'too many' | 'removed' | 'rests' },
  ): void;
}

interface Device {
  jid: string;
  channel: string;
}

interface NotificationSent extends Device {
  service: string;
  level: 'important' | 'unimportant';
  /** What it is about: `message`, `call`, `ping`, … */
  kind: string;
  /** `queued`: its channel keeps it on disk and tries it again. */
  outcome: 'delivered' | 'queued' | 'gone' | 'retry' | 'rejected';
  /** Why it was not delivered. */
  reason?: string;
  seconds: number;
}

/** Lines and metrics of devices and of what they are told. */
export function notifyEvents(reporter: Reporter): NotifyEvents {
  return { ...deviceEvents(reporter), ...notificationEvents(reporter) };
}

type DeviceEvents = Omit<NotifyEvents, `notification${string}`>;

function deviceEvents({ logger, metrics, never, gate }: Reporter): DeviceEvents {
  return {
    deviceEnabled({ jid, channel, service, result }) {
      never(() => {
        metrics.devicesEnabled.inc({ channel, result });
        logger[result === 'unchanged' ? 'debug' : 'info'](
          { jid, channel, service, result },
          'device enabled',
        );
      });
    },
    deviceRefused({ jid, channel, reason }) {
      never(() => {
        metrics.devicesRefused.inc({ channel });
        const { level, ...more } = gate(`device refused ${channel}`, 'info');
        logger[level]({ jid, channel, reason, ...more }, 'device refused');
      });
    },
    deviceRemoved({ jid, channel, service, why }) {
      never(() => {
        metrics.devicesRemoved.inc({ channel, why });
        logger.info({ jid, channel, service, why }, 'device removed');
      });
    },
    deviceRests({ jid, channel, service, failures, reason }) {
      never(() => {
        metrics.devicesRested.inc({ channel });
        const { level, ...more } = gate(`device rests ${channel}`, 'warn');
        const what = 'device rests: its push service refuses, and is tried once a day';
        logger[level]({ jid, channel, service, failures, reason, ...more }, what);
      });
    },
    deviceActiveAgain({ jid, channel, service }) {
      never(() => {
        metrics.devicesActiveAgain.inc({ channel });
        logger.info({ jid, channel, service }, 'device active again');
      });
    },
  };
}

function notificationEvents(
  reporter: Reporter,
): Pick<NotifyEvents, keyof NotifyEvents & `notification${string}`> {
  const { logger, metrics, never } = reporter;
  return {
    notificationDecided(event) {
      never(() => {
        const { jid, channel, service, source, told, why } = event;
        metrics.notificationsDecided.inc({ source, told });
        if (!logger.isLevelEnabled('debug')) return;
        logger.debug({ jid, channel, service, source, told, why }, 'notification decided');
      });
    },
    notificationSent(event) {
      never(() => {
        const { channel, level, outcome, seconds } = event;
        metrics.notificationsSent.inc({ channel, level, outcome });
        metrics.notificationSeconds.observe(seconds);
      });
      never(() => logSent(event, reporter));
    },
    notificationDropped({ jid, channel, why }) {
      never(() => {
        metrics.notificationsDropped.inc({ channel, why });
        logger.debug({ jid, channel, why }, 'notification dropped');
      });
    },
  };
}

/** What a push service refuses shows by itself; that a device is gone is told by its removal. */
function logSent(
  { level: importance, seconds, ...event }: NotificationSent,
  { logger, gate }: Reporter,
): void {
  const isTrouble = event.outcome === 'retry' || event.outcome === 'rejected';
  const { level, ...more } = gate(`notification ${event.outcome}`, isTrouble ? 'info' : 'debug');
  if (level === 'debug' && !logger.isLevelEnabled('debug')) return;
  const ms = Math.round(seconds * 1000);
  logger[level]({ ...event, importance, ms, ...more }, wordsFor(event.outcome));
}

function wordsFor(outcome: NotificationSent['outcome']): string {
  if (outcome === 'delivered') return 'notification sent';
  return outcome === 'queued' ? 'notification waits' : 'notification not taken';
}
