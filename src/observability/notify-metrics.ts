import { Counter, Histogram, type Registry } from 'prom-client';

/** Metrics of devices that are to be told, and of what they are told. */
export interface NotifyMetrics {
  readonly devicesEnabled: Counter<'channel' | 'result'>;
  readonly devicesRefused: Counter<'channel'>;
  readonly devicesRemoved: Counter<'channel' | 'why'>;
  readonly devicesRested: Counter<'channel'>;
  readonly devicesActiveAgain: Counter<'channel'>;
  readonly notificationsDecided: Counter<'source' | 'told'>;
  readonly notificationsSent: Counter<'channel' | 'level' | 'outcome'>;
  readonly notificationSeconds: Histogram;
  readonly notificationsDropped: Counter<'channel' | 'why'>;
}

/** Makes them in the registries. */
export function notifyMetrics(registers: Registry[]): NotifyMetrics {
  return { ...deviceMetrics(registers), ...notificationMetrics(registers) };
}

function deviceMetrics(registers: Registry[]) {
  return {
    devicesEnabled: new Counter({
      name: 'belfry_devices_enabled_total',
      help: 'Devices that enabled notifications, by whether they were new.',
      labelNames: ['channel', 'result'] as const,
      registers,
    }),
    devicesRefused: new Counter({
      name: 'belfry_devices_refused_total',
      help: 'Requests for notifications that were refused.',
      labelNames: ['channel'] as const,
      registers,
    }),
    devicesRemoved: new Counter({
      name: 'belfry_devices_removed_total',
      help: 'Registrations of devices that were removed, by why.',
      labelNames: ['channel', 'why'] as const,
      registers,
    }),
    devicesRested: new Counter({
      name: 'belfry_devices_rested_total',
      help: 'Registrations of devices that began to rest after too many refusals in a row.',
      labelNames: ['channel'] as const,
      registers,
    }),
    devicesActiveAgain: new Counter({
      name: 'belfry_devices_active_again_total',
      help: 'Registrations of devices whose rest ended.',
      labelNames: ['channel'] as const,
      registers,
    }),
  };
}

function notificationMetrics(registers: Registry[]) {
  return {
    notificationsDecided: new Counter({
      name: 'belfry_notifications_decided_total',
      help: 'Decisions about a stanza and a device, by where the stanza came up and what the device is told.',
      labelNames: ['source', 'told'] as const,
      registers,
    }),
    notificationsSent: new Counter({
      name: 'belfry_notifications_sent_total',
      help: 'Notifications handed to a push service, by level and outcome.',
      labelNames: ['channel', 'level', 'outcome'] as const,
      registers,
    }),
    notificationSeconds: new Histogram({
      name: 'belfry_notification_duration_seconds',
      help: 'From a notification on its way to the answer of the push service.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
      registers,
    }),
    notificationsDropped: new Counter({
      name: 'belfry_notifications_dropped_total',
      help: 'Notifications that waited and were not sent, by why.',
      labelNames: ['channel', 'why'] as const,
      registers,
    }),
  };
}
