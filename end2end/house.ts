/** What a person does to get from a new installation to a sync, and the hand on both sandboxes. */
import type { APIRequestContext, Locator, Page } from '@playwright/test';

import { expect, expectAccessible, type Concord } from './concord.ts';

/** Somebody who signs in. */
export interface Person {
  email: string;
  password: string;
}

export const OWNER: Person = { email: 'ada@example.com', password: 'three unrelated words' };

/** The name of the sync that `makeSync` makes. */
export const SYNC = 'contacts';

/** The longest that a run or a delivery may take on a busy machine. */
export const PATIENCE = { timeout: 45_000 };

/** Becomes the owner by the link that the server printed. */
export async function setUp(page: Page, concord: Concord): Promise<void> {
  await page.goto(concord.setup_url);
  await expectAccessible(page);
  await page.getByLabel('E-mail').fill(OWNER.email);
  await page.getByLabel('Your name').fill('Ada');
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Set up and sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page).toHaveURL(`${concord.url}/`);
}

export async function signIn(page: Page, person: Person): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
}

/** Connects one service and sees every step of its test pass. */
async function connect(page: Page, service: string, fields: Record<string, string>): Promise<void> {
  await page.goto('/connections/new');
  await page.getByRole('link', { name: `Connect ${service}` }).click();
  await page.getByText('Another address', { exact: true }).click();
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Add and test' }).click();
  await expect(page.getByText('The connection is added and works.')).toBeVisible(PATIENCE);
  await expect(page.getByText(/\b(\d+) of \1 steps passed/)).toBeVisible();
  await expectAccessible(page);
}

export async function connectBoth(page: Page, { highlevel, chargify }: Concord): Promise<void> {
  await connect(page, 'GoHighLevel', {
    Name: 'crm',
    'Location id': highlevel.location_id,
    'Private integration token': highlevel.token,
    'Base URL': highlevel.base_url,
    'Webhook public key': highlevel.webhook_public_key,
  });
  await connect(page, 'Chargify', {
    Name: 'billing',
    Subdomain: chargify.subdomain,
    'API key': chargify.api_key,
    'Shared key': chargify.shared_key,
    'Base URL': chargify.base_url,
  });
}

/** Takes the steps to a new sync up to the page that plans its first run. */
export async function makeSync(page: Page): Promise<void> {
  await page.goto('/syncs/new');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Next: who takes part' }).click();
  await page.getByLabel('Name').fill(SYNC);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Make the sync, switched off' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Mapping' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: 'Keep the default mapping' }).click();
  await expect(page.getByRole('button', { name: 'Plan it' })).toBeVisible();
  await expectAccessible(page);
}

/** The owner's browser in a house with a sync, whether or not an earlier flow has made them. */
export async function enter(page: Page, concord: Concord): Promise<void> {
  const claim = page.getByRole('button', { name: 'Set up and sign in' });
  const isSetUp = page.getByText('This server is set up.');
  await page.goto(concord.setup_url);
  await expect(claim.or(isSetUp)).toBeVisible();
  if (await isSetUp.isVisible()) return signIn(page, OWNER);
  await setUp(page, concord);
  await connectBoth(page, concord);
  await makeSync(page);
}

/** Plans a run of the sync and waits on its page until the plan asks for approval. */
export async function plan(page: Page, wasm: boolean, read?: string): Promise<Locator> {
  await page.goto(`/syncs/${SYNC}`);
  if (read) await page.getByLabel('Read').selectOption({ label: read });
  await page.getByRole('button', { name: 'Plan it' }).click();
  await expect(page).toHaveURL(/\/runs\/\d+$/);
  const approve = page.getByRole('button', { name: /^Approve [\d,]+ changes?$/ });
  await until(page, wasm, approve);
  return approve;
}

/** Waits until a page of a run shows something: it comes by itself, or, without wasm, by loading the page anew. */
export async function until(page: Page, wasm: boolean, sight: Locator): Promise<void> {
  if (wasm) return expect(sight).toBeVisible(PATIENCE);
  await expect(async () => {
    if (!(await sight.isVisible())) await page.getByRole('link', { name: 'Reload' }).click({ timeout: 1_000 });
    await expect(sight).toBeVisible({ timeout: 500 });
  }).toPass(PATIENCE);
}

/** Switches the sync on or off, by its question. */
export async function switchSync(page: Page, on: boolean): Promise<void> {
  const word = on ? 'on' : 'off';
  await page.goto(`/syncs/${SYNC}`);
  await page.getByRole('link', { name: `Switch ${word}…` }).click();
  await expectAccessible(page);
  await page.getByRole('button', { name: `Switch it ${word}` }).click();
  await expect(page.getByText(`It is switched ${word}.`)).toBeVisible();
}

/** Both sandboxes as the people who work in the two services see them. */
export class Sandboxes {
  readonly #request: APIRequestContext;
  readonly #concord: Concord;

  constructor(request: APIRequestContext, concord: Concord) {
    this.#request = request;
    this.#concord = concord;
  }

  /** Adds a contact and answers its id. */
  async addContact(contact: Record<string, string>): Promise<string> {
    return (await this.#highlevel('POST', 'contacts', contact)).id;
  }

  async editContact(id: string, changes: Record<string, string>): Promise<void> {
    await this.#highlevel('PUT', `contacts/${id}`, changes);
  }

  /** Adds a customer and answers its id. */
  async addCustomer(customer: Record<string, string>): Promise<number> {
    return (await this.#chargify('POST', 'customers', { customer })).customer.id;
  }

  async customer(id: number): Promise<Record<string, string>> {
    return (await this.#chargify('GET', `customers/${id}`)).customer;
  }

  /** How long every answer of Chargify takes from now on. */
  async slowChargify(ms: number): Promise<void> {
    await this.#chargify('POST', 'latency', { fixed_ms: ms });
  }

  /** Contacts are found by a search as soon as they are written. */
  async searchAtOnce(): Promise<void> {
    await this.#highlevel('POST', 'location', { index_lag_ms: 0 });
  }

  #highlevel(method: string, name: string, data?: object) {
    return this.#call(this.#concord.highlevel.base_url, method, name, data);
  }

  #chargify(method: string, name: string, data?: object) {
    return this.#call(this.#concord.chargify.base_url, method, name, data);
  }

  async #call(base: string, method: string, name: string, data?: object) {
    const answer = await this.#request.fetch(`${base}/_sandbox/${name}`, { method, data });
    expect(answer.ok(), `${method} ${name}: ${await answer.text()}`).toBe(true);
    return answer.json();
  }
}
