// The explorer in a browser, as a person uses it, at a service in Production:
//
//   node explorer.mjs URL STORE [FOLDER]
//
// with the client's id and secret in EXPLORER_CLIENT and EXPLORER_SECRET; STORE is the origin of the object store, and FOLDER where to put a
// picture of each page (docs/explorer). EXPLORER_PROVIDER is the address of oidc.mjs, where people sign in. Prints what came of it as JSON, or null where there is no browser. It records the samples first.
//
// A page's own steps are a function in a file of their own, which is a line of `steps` below. It gets `{ page, url, store }`: a page of the
// browser (Playwright) that is signed in, the service's address, and the store's. It throws when something is not as it should be. What it
// loads from elsewhere, what the policy of the page refuses, and errors of scripts are noted here, whatever it does. To try steps alone:
//
//   dotnet run --project src/ResultsEs, and EXPLORER_STEPS=session node explorer.mjs http://localhost:5080 http://localhost:9000
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { PATIENCE, launch } from './browser.mjs';

const steps = {
  tests: async () => (await import('./explorer-tests.mjs')).tests,
  session: async () => (await import('./explorer-session.mjs')).session,
  operating: async () => (await import('./explorer-operating.mjs')).operating,
};

/** Pages that are looked at as a whole, each with a heading that says it is there. */
const pages = {
  tests: '/',
  test: '/tests/9fbdb648-d013-4a52-8553-b621c2abc47f',
  survey: '/tests/24422850-abc3-4525-9567-e2fd4bd0adcb',
  operating: '/operating',
  session: '/sessions/019cbcfc-0abd-70c4-b470-2ec348fd6010',
};

const [url, store, folder] = process.argv.slice(2).map(argument => argument.replace(/\/$/, ''));
const { EXPLORER_CLIENT: clientId, EXPLORER_SECRET: clientSecret, EXPLORER_PROVIDER: provider, EXPLORER_STEPS: asked = Object.keys(steps).join(',') } = process.env;
const noted = { foreign: new Set(), refused: new Set(), errors: new Set(), axe: new Set(), wide: new Set() };
const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.exposeBinding('noteViolation', (_, text) => noted.refused.add(text));
  await context.addInitScript(() => document.addEventListener('securitypolicyviolation', event =>
    window.noteViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)));
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('request', request => {
    const { protocol, origin } = new URL(request.url());
    if (!['blob:', 'data:'].includes(protocol) && ![url, store, provider].includes(origin))
      noted.foreign.add(request.url());
  });
  page.on('pageerror', error => noted.errors.add(String(error.stack ?? error)));

  if (clientId)
    await signsIn(page);
  for (const name of asked.split(',').filter(Boolean))
    await (await steps[name]())({ page, url, store });
  for (const [name, path] of Object.entries(pages))
    await looksAt(page, name, path);
  await worksByKeyboard(page);
  if (clientId) {
    const rights = await rightsOf(page);
    await signsOut(page, context);
    if (provider)
      await comesAndGoesByTheProvider(page, context, rights);
  }
  console.log(told());
} catch (error) {
  // What went wrong comes first: logs are cut.
  const pages = browser.contexts().flatMap(context => context.pages());
  const shown = await Promise.all(pages.map(async page => `${page.url()}: ${await page.locator('main').innerText({ timeout: 1000 }).catch(String)}`));
  console.error(`${error.stack}\n${told()}\n${shown.join('\n').slice(0, 4000)}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

function told() {
  return JSON.stringify(Object.fromEntries(Object.entries(noted).map(([name, all]) => [name, [...all]])), null, 2);
}

/** Signs in by the form, after a refusal, and comes to the page that was asked for. Nothing that a script could read is a secret. */
async function signsIn(page) {
  await page.goto(`${url}/tests/any?status=COMPLETE`);
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await looksAt(page, 'sign-in', '/sign-in?returnTo=%2Ftests%2Fany%3Fstatus%3DCOMPLETE');
  const id = page.getByLabel('Client id');
  await id.fill(clientId);
  await page.getByLabel('Client secret').fill('wrong');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').filter({ hasText: 'secret is wrong' }).waitFor();
  await page.getByLabel('Client secret').fill(clientSecret);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText(`Signed in as ${clientId}`).waitFor();
  await page.waitForURL(`${url}/tests/any?status=COMPLETE`);
  const seen = await page.evaluate(() => [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)].join(' '));
  assert.equal(seen, ' {} {}');

  const samples = new URL('../../docs/samples/', import.meta.url);
  for (const name of readdirSync(samples).filter(name => name.endsWith('.json'))) {
    const status = await page.evaluate(async body => (await fetch('/api/v2/sessionEvents', {
      method: 'POST', headers: { 'Content-Type': 'application/cloudevents-batch+json', 'X-Explorer': '1' }, body,
    })).status, readFileSync(new URL(name, samples), 'utf8'));
    assert.ok([200, 202].includes(status), `${name}: ${status}`);
  }
}

/** Nothing serious for axe in light and dark, wide and on a phone; nothing is wider than the phone. */
async function looksAt(page, name, path) {
  for (const [colorScheme, width] of [['light', 1280], ['dark', 360]]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto(url + path);
    await page.locator('main h1').waitFor();
    await settles(page);
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await globalThis.axe.run({ resultTypes: ['violations'] })).violations
      .filter(one => ['serious', 'critical'].includes(one.impact))
      .map(one => `${one.id}: ${one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')}`));
    found.forEach(one => noted.axe.add(`${name}, ${colorScheme}: ${one}`));
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth))
      noted.wide.add(`${name} at ${width}`);
    if (folder)
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
  }

  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** Waits until nothing loads any more, and pictures are drawn. */
async function settles(page) {
  await page.waitForFunction(() => !document.querySelector('main .loading'));
  await page.waitForFunction(() => [...document.querySelectorAll('.chart')].every(chart => {
    const { top, bottom } = chart.getBoundingClientRect();
    return bottom < 0 || top > innerHeight || chart.querySelector('svg') || chart.nextElementSibling?.matches('[role=status]');
  }));
}

/** Past the header by the first link; the heading has the focus after a link was followed. */
async function worksByKeyboard(page) {
  await page.goto(url);
  await page.locator('main h1').waitFor();
  await settles(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => location.hash), '#main');
  const link = page.locator('main a[href^="/tests/"]').first();
  await link.focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/tests\//);
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
  await page.goBack();
  await page.waitForFunction(() => document.activeElement?.tagName === 'H1' && location.pathname === '/');
}

async function rightsOf(page) {
  const { account, workspaces } = await page.evaluate(async () => (await fetch('/explorer/session')).json());
  return { account, workspaces: workspaces.map(({ id }) => id) };
}

/** The session is over at once, and its cookie is worth nothing to whoever has kept it. */
async function signsOut(page, context) {
  await page.goto(url);
  const kept = await context.cookies(url);
  assert.deepEqual(kept.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), [{ name: 'results', httpOnly: true, sameSite: 'Lax' }]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  await context.addCookies(kept);
  assert.equal(await page.evaluate(async () => (await fetch('/v1/workspaces')).status), 401);
  await page.goto(url);
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
}

/** A person signs in by the provider, with the rights of the client, and signs out here and there at once. */
async function comesAndGoesByTheProvider(page, context, rights) {
  await fetch(`${provider}/explorer?at=${encodeURIComponent(url)}`, { method: 'POST' });
  await fetch(`${provider}/claims`, { method: 'POST', body: JSON.stringify(rights) });
  await page.goto(`${url}/sign-in?returnTo=%2Ftests%2Fany`);
  await page.getByRole('link', { name: 'Sign in with the provider' }).click();
  await page.getByText('Signed in as Ada Lovelace').waitFor();
  await page.waitForURL(`${url}/tests/any`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(address => address.origin === provider);
  assert.ok((await context.cookies(url)).every(({ name }) => name !== 'results'));
  await page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await page.waitForURL(`${url}/sign-in`);
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  // Nobody is known there any more who could be signed in without a word.
  assert.ok((await context.cookies(provider)).every(({ name }) => !name.startsWith('_session')), 'the provider has forgotten');
}
