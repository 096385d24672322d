import { defineConfig } from '@playwright/test';

import tests from './playwright.config.ts';

// Pictures are taken on demand, not tested: `npm run shots`.
export default defineConfig({ ...tests, testMatch: 'shots.ts', projects: [{ name: 'shots', use: { wasm: true } }] });
