import { expect, expectAccessible, test } from './concord.ts';
import { PATIENCE, Sandboxes, SYNC, enter, plan, signIn, until, type Person } from './house.ts';

const VERA: Person = { email: 'vera@example.com', password: 'four other unrelated words' };

test('a run is followed while it goes on', async ({ page, request, concord, wasm }) => {
  test.setTimeout(240_000);
  const sandboxes = new Sandboxes(request, concord);
  await sandboxes.searchAtOnce();
  await enter(page, concord);
  for (let number = 1; number <= 24; number += 1) {
    await sandboxes.addContact({ firstName: 'Late', lastName: `Comer ${number}`, email: `late${number}@example.com` });
  }
  const approve = await plan(page, wasm, 'Everything: read both sides completely');
  await sandboxes.slowChargify(1_000);
  await approve.click();
  await expect(page.getByText('This page may be closed, the run goes on')).toBeVisible();
  const toGo = page.getByRole('listitem').filter({ hasText: 'to go' });
  const left = async () => Number((await toGo.innerText()).match(/\d+/)?.[0]);
  const before = await left();
  if (wasm) {
    await page.evaluate(() => document.body.setAttribute('data-same', ''));
    await expect.poll(left, PATIENCE).toBeLessThan(before);
    await expect(page.locator('body[data-same]'), 'the page was not loaded anew').toHaveCount(1);
  } else {
    await expect(async () => {
      await page.getByRole('link', { name: 'Reload' }).click();
      expect(await left()).toBeLessThan(before);
    }).toPass(PATIENCE);
  }
  await expectAccessible(page);
  await sandboxes.slowChargify(0);
  await until(page, wasm, page.getByRole('link', { name: 'Plan again' }));
});

test('a viewer sees everything and changes nothing', async ({ page, browser, concord, baseURL }) => {
  test.setTimeout(240_000);
  await enter(page, concord);
  await page.goto('/team');
  await page.getByLabel('E-mail').fill(VERA.email);
  await page.getByLabel('First password').fill(VERA.password);
  await page.getByRole('radio', { name: 'Viewer' }).check();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Add the person' }).click();
  await expect(page.getByText('The person is added.')).toBeVisible();

  const context = await browser.newContext({ baseURL });
  const hers = await context.newPage();
  await signIn(hers, VERA);
  // Searching and filtering is looking: those forms change nothing.
  const presses = hers.getByRole('main').locator('button:not(form[method=get] *)');
  for (const path of ['/', '/connections', `/syncs/${SYNC}`, '/runs', '/records', '/team']) {
    await hers.goto(path);
    await expect(hers.getByRole('heading', { level: 1 })).toBeVisible();
    for (const press of await presses.all()) {
      await expect(press).toBeDisabled();
    }
    await expectAccessible(hers);
  }
  await hers.goto(`/syncs/${SYNC}`);
  await expect(hers.getByText('Your role, viewer, may not').first()).toBeVisible();

  const before = await hers.goto('/runs').then(() => hers.getByRole('row').count());
  const answer = await hers.request.post('/api/plan-run', {
    form: { name: SYNC, mode: 'full' },
    headers: { origin: concord.url },
  });
  expect(answer.status()).toBe(403);
  await hers.goto('/runs');
  await expect(hers.getByRole('row')).toHaveCount(before);
  await context.close();
});
