/**
 * Pictures of pages into target/shots, at two widths, light and dark: `npm run shots`.
 *
 *   SHOTS_URL=http://…       a running Concord; absent: a fresh demo
 *   SHOTS_PATHS=/,/audit     what to visit; absent: the set-up page of the demo
 *   SHOTS_STATE=state.json   cookies to visit with, as Playwright's `storageState` writes them
 */
import { resolve } from 'node:path';

import { test } from '@playwright/test';

import { start } from './concord.ts';

const { SHOTS_URL, SHOTS_PATHS, SHOTS_STATE } = process.env;
const WIDTHS = [1440, 390];
const SCHEMES = ['light', 'dark'] as const;

test('pictures of the pages', async ({ browser }, info) => {
  test.setTimeout(600_000);
  const server = SHOTS_URL ? undefined : await start();
  const base = SHOTS_URL ?? server?.concord.url;
  const paths = SHOTS_PATHS?.split(',') ?? [server?.concord.setup_url ?? '/'];
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme,
        storageState: SHOTS_STATE,
      });
      const page = await context.newPage();
      for (const path of paths) {
        const address = new URL(path, base);
        await page.goto(address.href, { waitUntil: 'load' });
        const name = address.pathname.split('/').filter(Boolean).join('-') || 'home';
        const file = `../target/shots/${name}-${width}-${colorScheme}.png`;
        await page.screenshot({ path: resolve(info.config.rootDir, file), fullPage: true });
      }
      await context.close();
    }
  }
  await server?.stop();
});
