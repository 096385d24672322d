/** The server under test, and what every flow needs of a page. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

export { expect };

/** What `concord demo --json` prints once everything is ready. */
export interface Concord {
  url: string;
  setup_url: string;
  highlevel: { base_url: string; location_id: string; token: string; webhook_public_key: string };
  chargify: { base_url: string; subdomain: string; api_key: string; shared_key: string };
}

/** Set per project. */
export interface Options {
  /** Whether scripts and wasm may load. */
  wasm: boolean;
}

interface Fixtures {
  /** Messages of the browser's console that a person should never cause. */
  complaints: string[];
}

const CONTACTS = process.env.CONCORD_CONTACTS ?? '60';
const READY_MS = 120_000;

export const test = base.extend<Options & Fixtures, { concord: Concord }>({
  wasm: [true, { option: true }],

  // One fresh server, database and pair of sandboxes for each worker, and so for each project.
  concord: [
    async ({}, use) => {
      const server = await start();
      await use(server.concord);
      await server.stop();
    },
    { scope: 'worker', timeout: READY_MS + 10_000 },
  ],

  baseURL: async ({ concord }, use) => use(concord.url),

  complaints: [
    async ({ page, wasm }, use) => {
      const complaints: string[] = [];
      if (wasm) {
        page.on('console', (message) => {
          if (message.type() === 'error') complaints.push(message.text());
        });
        page.on('pageerror', (error) => complaints.push(String(error)));
      } else {
        await page.route('**/*', (route) =>
          route.request().resourceType() === 'script' || route.request().url().endsWith('.wasm')
            ? route.abort()
            : route.continue(),
        );
      }
      await use(complaints);
      expect(complaints, 'errors in the browser console').toEqual([]);
    },
    { auto: true },
  ],
});

/** Fails on every serious or critical finding of axe under WCAG 2.2 AA. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  const findings = violations
    .filter((violation) => violation.impact === 'serious' || violation.impact === 'critical')
    .map((violation) => `${violation.id}: ${violation.help} (${violation.nodes.map((node) => node.target).join('; ')})`);
  expect(findings, `accessibility of ${page.url()}`).toEqual([]);
}

/** A fresh Concord with both sandboxes on free ports and its data in a folder of its own, gone after `stop`. */
export async function start(): Promise<{ concord: Concord; stop: () => Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'concord-end2end-'));
  // The private Postgres runs under an account of its own, which has to get through.
  await chmod(dataDir, 0o711);
  const program = process.env.CONCORD_BIN ?? resolve('../target/debug/concord');
  const child = spawn(program, ['demo', '--listen', '127.0.0.1:0', '--contacts', CONTACTS, '--json'], {
    env: {
      ...process.env,
      CONCORD_DATA_DIR: dataDir,
      CONCORD_SITE_ROOT: process.env.CONCORD_SITE_ROOT ?? resolve('../target/site'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const stop = async () => {
    child.kill('SIGINT');
    const impatience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(impatience);
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    return { concord: await ready(child, program), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits for the one JSON line; on failure says what the program said. */
function ready(child: ChildProcessByStdio<null, Readable, Readable>, program: string): Promise<Concord> {
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > 40) said.shift();
  });
  return new Promise((done, fail) => {
    const giveUp = (why: string) => fail(new Error(`${program} ${why}\n${said.join('\n')}`));
    const timer = setTimeout(() => giveUp(`was not ready after ${READY_MS / 1000} s`), READY_MS);
    child.once('error', (error) => giveUp(`could not be started: ${error.message}`));
    child.once('close', (code) => giveUp(`ended with ${code}`));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      clearTimeout(timer);
      done(JSON.parse(line));
    });
  });
}
