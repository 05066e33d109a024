import type { Page } from 'puppeteer-core';
import { z } from 'zod';
import { waitFor } from './net.js';

const notificationsSchema = z.array(
  z.object({ title: z.string(), body: z.string(), about: z.object({ conversation: z.string().optional() }) }),
);
export type ShownNotification = z.infer<typeof notificationsSchema>[number];

/** What the browser shows of the site in that tab, by its service worker. */
export async function notificationsIn(tab: Page): Promise<ShownNotification[]> {
  const facts = '({ title, body, data }) => ({ title, body, about: data })';
  const all = 'navigator.serviceWorker.ready.then((registration) => registration.getNotifications())';
  return notificationsSchema.parse(await tab.evaluate(`${all}.then((shown) => shown.map(${facts}))`));
}

/** Waits until the browser shows as many; in the order of their titles. */
export async function showsIn(tab: Page, count: number): Promise<ShownNotification[]> {
  let shown: ShownNotification[] = [];
  const areThere = async () => {
    shown = await notificationsIn(tab);
    return shown.length === count;
  };
  await waitFor(`${count} notifications`, areThere, { timeout: 20_000, interval: 100 });
  return shown.toSorted((one, other) => one.title.localeCompare(other.title));
}
