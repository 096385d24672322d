import { expect, expectAccessible, test } from './concord.ts';

test('the set-up page opens from the printed link and anyone can read it', async ({ page, concord }) => {
  const answer = await page.goto(concord.setup_url);
  expect(answer?.status()).toBe(200);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByLabel(/e-?mail/i)).toBeEditable();
  await expectAccessible(page);
});
