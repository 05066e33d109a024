import puppeteer, { type Browser } from 'puppeteer-core';
import { findExecutable } from './peer.js';

const executable = findExecutable('firefox-esr') ?? findExecutable('firefox');

/** True if Firefox is installed. */
export const hasFirefox = executable !== undefined;

/** Starts Firefox with a profile of its own; push messages reach it through that service (a WebSocket URL) alone. */
export async function startFirefox(pushService: string): Promise<Browser> {
  if (executable === undefined) throw new Error('Firefox is not installed');
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: executable,
    headless: true,
    extraPrefsFirefox: {
      'dom.push.serverURL': pushService,
      'dom.push.testing.allowInsecureServerURL': true,
      'dom.push.connection.enabled': true,
      // Pages need not ask, and there is no desktop to show notifications on but the browser's own.
      'permissions.default.desktop-notification': 1,
      'alerts.useSystemBackend': false,
    },
  });
}
