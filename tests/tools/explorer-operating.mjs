// The page for operators in a browser: what it shows is compared with what the API answers. `operating({ page, url })` is a step of explorer.mjs; it
// needs a session with the scopes for operations. Where the account has dead letters, the oldest is looked at, kept at first, and then discarded.
import assert from 'node:assert/strict';

/** @param {{ page: import('playwright-core').Page, url: string }} where */
export async function operating({ page, url }) {
  await page.goto(`${url}/operating`);
  await page.getByRole('heading', { level: 1, name: 'Operating' }).waitFor();
  // So that nothing changes between a look at the page and one at the API.
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('heading', { name: 'Rebuilds under way' }).waitFor();
  await showsTheState(page);
  await showsLists(page);
  await retriesWhatIsSetAside(page);
  const letters = await worksOffALetter(page);
  await refreshes(page);
  return { letters };
}

const get = (page, path) => page.evaluate(async address => (await fetch(address)).json(), path);

/** The cells of a table, by its caption. */
const rows = async (page, caption) => {
  const table = page.locator('table', { has: page.locator('caption', { hasText: caption }) });
  await table.waitFor();
  return table.locator('tbody tr').evaluateAll(all => all.map(row => [...row.children].map(cell => cell.textContent.trim())));
};

async function showsTheState(page) {
  const state = await get(page, '/api/v3/operations/state');
  const nodes = await rows(page, 'Nodes seen in the last hour');
  assert.deepEqual(nodes.map(([name, version]) => [name, version]), state.nodes.map(node => [node.name, node.version.replace(/\+(.{7}).*/, ' ($1)')]));
  assert.ok(nodes.some(node => node[3].startsWith('Serving')), 'a node serves');
  const work = await rows(page, 'Work in the background');
  assert.deepEqual(work.map(([name]) => name), ['Totals of tests', 'Search', 'Summaries', 'Feed of changes', 'Webhooks', 'Webhooks of this account']);
  assert.ok(work.every(row => ['In time', 'Late'].includes(row[3])));
  assert.equal(await page.locator('progress').count(), state.rebuilds.length);
}

async function showsLists(page) {
  const { items } = await get(page, '/api/v3/operations/setAside');
  const { erasures } = await get(page, '/api/v3/operations/erasures');
  for (const [caption, ids] of [
    ['Sessions that make shared work fail', items.map(one => one.subjectId)],
    ['The last 100 erasures', erasures.map(one => one.erasureId)],
  ])
    assert.deepEqual((await rows(page, caption)).map(([id]) => id), ids.length ? ids : ['None.']);
}

/** What can be done is set aside no longer; what cannot stays, and the question says why. */
async function retriesWhatIsSetAside(page) {
  const { items } = await get(page, '/api/v3/operations/setAside');
  const retry = ({ worker, subjectId }) => page.getByRole('button', { name: `Retry ${worker} of ${subjectId}` });
  const dialog = page.getByRole('dialog', { name: 'Retry this session?' });
  const stuck = items.find(item => item.worker === 'of-another-version');
  if (stuck) {
    await retry(stuck).click();
    await dialog.getByRole('button', { name: 'Retry' }).click();
    await dialog.getByRole('alert').filter({ hasText: 'this version has no such worker' }).waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  const item = items.find(item => item !== stuck);
  if (!item)
    return;
  await retry(item).click();
  await dialog.getByRole('button', { name: 'Retry' }).click();
  await page.getByText(`${item.subjectId} is no longer set aside by ${item.worker}.`).waitFor();
  await retry(item).waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'set-aside');
  assert.deepEqual((await get(page, '/api/v3/operations/setAside')).items.map(one => one.subjectId), items.filter(one => one !== item).map(one => one.subjectId));
}

async function worksOffALetter(page) {
  const path = '/api/v3/operations/deadLetters';
  const { deadLetters } = await get(page, path);
  const shown = await rows(page, 'Messages of the account that could not be stored');
  assert.deepEqual(shown.map(([id]) => id), deadLetters.length ? deadLetters.map(one => one.letterId) : ['None.']);
  if (deadLetters.length === 0)
    return 0;

  const [{ letterId, reason }] = deadLetters;
  await page.getByRole('button', { name: `Look at ${letterId}` }).click();
  const letter = page.getByRole('article', { name: `Letter ${letterId}` });
  const { body } = await get(page, `${path}/${letterId}`);
  assert.equal(await letter.locator('pre').textContent(), body);
  assert.ok((await letter.innerText()).includes(reason));

  // The question can be answered with no, by the keyboard; the focus goes back.
  const discard = page.getByRole('button', { name: `Discard ${letterId}` });
  await discard.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Discard this letter for good?' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await discard.evaluate(button => button === document.activeElement), true, 'the focus is back on the button');
  assert.equal((await get(page, path)).deadLetters[0].letterId, letterId);

  // It cannot be stored now either, and the question says why.
  await page.getByRole('button', { name: `Replay ${letterId}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replay' }).click();
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  await discard.click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await page.getByText(`Letter ${letterId} is discarded.`).waitFor();
  await discard.waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'letters');
  assert.ok((await get(page, path)).deadLetters.every(one => one.letterId !== letterId));
  return 1;
}

/** It is loaded again by itself, and the focus stays where it is. */
async function refreshes(page) {
  const pause = page.getByRole('button', { name: 'Pause' });
  const again = page.waitForResponse(answer => answer.url().endsWith('/api/v3/operations/state'));
  await pause.click();
  await again;
  assert.equal(await pause.evaluate(button => button === document.activeElement), true, 'the focus stays');
}
