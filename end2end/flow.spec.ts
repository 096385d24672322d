import { expect, expectAccessible, test } from './concord.ts';
import { OWNER, PATIENCE, Sandboxes, SYNC, connectBoth, makeSync, plan, setUp, signIn, switchSync, until } from './house.ts';

const INES = { firstName: 'Ines', lastName: 'Fernandes', email: 'ines.fernandes@example.com', phone: '+351912345678' };

test('from the set-up link to records kept in step, and every step in the audit trail', async ({
  page,
  request,
  concord,
  wasm,
}) => {
  test.setTimeout(240_000);
  const sandboxes = new Sandboxes(request, concord);
  await sandboxes.searchAtOnce();
  const contact = await sandboxes.addContact(INES);
  const customer = await sandboxes.addCustomer({
    first_name: INES.firstName,
    last_name: INES.lastName,
    email: INES.email,
  });

  await test.step('the link makes an owner, who can sign out and in', async () => {
    await setUp(page, concord);
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Sign in' })).toBeVisible();
    await expectAccessible(page);
    await signIn(page, OWNER);
  });

  await test.step('both services are connected and tested', async () => {
    await connectBoth(page, concord);
    await page.goto('/connections');
    await expect(page.getByRole('table', { name: 'Connections' }).getByRole('row')).toHaveCount(3);
    await expectAccessible(page);
  });

  await test.step('a sync is made and planned', async () => {
    await makeSync(page);
    await plan(page, wasm);
    await expect(page.getByText(/Balances: ([\d,]+) read, \1 accounted for/)).toBeVisible();
    await page.getByLabel('Name, e-mail or id').fill(INES.email);
    await page.getByLabel('Name, e-mail or id').press('Enter');
    const row = page.getByRole('table', { name: 'Records' }).getByRole('row', { name: INES.firstName });
    await expect(row).toContainText('Update Chargify');
    await expect(row).toContainText(INES.phone);
    await expectAccessible(page);
  });

  await test.step('the plan is approved and written', async () => {
    await page.getByRole('button', { name: /^Approve/ }).click();
    await until(page, wasm, page.getByRole('link', { name: 'Plan again' }));
    await expect(page.getByText(/Balances: ([\d,]+) read, \1 accounted for/)).toBeVisible();
    await expect(page.getByText('Approved by Ada').first()).toBeVisible();
    await expectAccessible(page);
    expect((await sandboxes.customer(customer)).phone).toBe(INES.phone);
    await page.goto('/runs');
    await expect(page.getByRole('row', { name: 'Run 1' })).toContainText('Complete');
    await expectAccessible(page);
  });

  await test.step('a change in GoHighLevel arrives in Chargify by itself', async () => {
    await switchSync(page, true);
    await expectAccessible(page);
    await sandboxes.editContact(contact, { lastName: 'Fernandes Duarte' });
    await expect.poll(async () => (await sandboxes.customer(customer)).last_name, PATIENCE).toBe('Fernandes Duarte');
  });

  await test.step('the record says why it stands as it does', async () => {
    await page.goto('/records');
    await expectAccessible(page);
    await page.getByRole('searchbox', { name: 'Name, e-mail, phone or id' }).fill(INES.email);
    await page.getByRole('button', { name: 'Find' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Ines Fernandes Duarte' })).toBeVisible();
    await expect(page.getByRole('main').getByText('In step').first()).toBeVisible();
    await expectAccessible(page);
  });

  await test.step('a difference is shown before a resync writes it', async () => {
    const record = page.url();
    await switchSync(page, false);
    await sandboxes.editContact(contact, { phone: '+351919999999' });
    await page.goto(record);
    await page.getByRole('link', { name: 'Resync…' }).click();
    const change = page.getByRole('table', { name: 'What would be written' }).getByRole('row', { name: 'phone' });
    await expect(change).toContainText(INES.phone);
    await expect(change).toContainText('+351919999999');
    await expectAccessible(page);
    expect((await sandboxes.customer(customer)).phone).toBe(INES.phone);
    await page.getByRole('button', { name: 'Write 1 change' }).click();
    await until(page, wasm, page.getByRole('link', { name: 'Plan again' }));
    expect((await sandboxes.customer(customer)).phone).toBe('+351919999999');
  });

  await test.step('the audit trail tells all of it', async () => {
    await page.goto('/audit');
    await expectAccessible(page);
    const trail = page.getByRole('table', { name: 'Audit' });
    const newest = [`the sync ${SYNC} on`, `the sync ${SYNC} off`, `run 2 (resync) of ${SYNC}`, `Run 2 of ${SYNC} ended`];
    for (const said of newest) {
      await expect(trail.getByRole('link', { name: said }).first()).toBeVisible();
    }
    await page.getByRole('combobox', { name: 'What' }).selectOption({ label: 'Connection: tested' });
    await page.getByRole('button', { name: 'Apply' }).click();
    await expect(trail.getByRole('link', { name: 'tested the connection' })).toHaveCount(2);
    await page.goto('/audit');
    await page.getByLabel('Record id of either side').fill(contact);
    await page.getByLabel('Record id of either side').press('Enter');
    await expect(trail.getByRole('link', { name: /changed .*phone/ })).toHaveCount(2);
    await trail.getByRole('link', { name: /changed .*phone/ }).first().click();
    await expect(page.getByText('+351919999999').first()).toBeVisible();
    await expectAccessible(page);
  });
});
