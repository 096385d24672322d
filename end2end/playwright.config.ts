import { defineConfig } from '@playwright/test';

import type { Options } from './concord.ts';

/** A browser that talks to nobody but the server under test. */
export const browser = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

// Every flow runs twice: the pages have to work before wasm has arrived, or without it.
export default defineConfig<Options>({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: 'test-results',
  reporter: [['list']],
  forbidOnly: Boolean(process.env.CI),
  fullyParallel: false,
  workers: 1,
  retries: 0,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  use: {
    actionTimeout: 15_000,
    launchOptions: browser,
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'wasm', use: { wasm: true } },
    { name: 'no-wasm', use: { wasm: false } },
  ],
});
