// The list of tests and the page of a test in a browser: each picture's numbers are compared with what the API answers.
// `tests({ page, url })` is a step of the browser test. It records a test of its own, with a task of each type.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { PATIENCE } from './browser.mjs';
import { AUDIENCE, testOf } from './explorer-tests-data.mjs';

const SESSIONS = 12;

/** @param {{ page: import('playwright-core').Page, url: string }} where */
export async function tests({ page, url }) {
  const api = apiOf(page);
  const test = testOf();
  await page.goto(url);
  await page.getByRole('heading', { level: 1, name: 'Tests' }).waitFor();
  await api.record([test.defined(), ...Array.from({ length: SESSIONS }, (_, n) => test.session(n)).flat()]);
  await until(async () => (await api.summary(test.id)).sessions.total === SESSIONS, 'the sessions are counted');

  await findsATest(page, api, test);
  await showsEveryPicture(page, api, test);
  await filters(page, url, api, test);
  await searchesAnswers(page, url, api, test);
  await updatesByItself(page, api, test);
  await fitsAPhone(page, url, test);
  await saysWhatIsNotThere(page, url);
  return { tasks: test.tasks.length };
}

/** The list shows it with its counts when it is searched for, and leads to it. */
async function findsATest(page, api, test) {
  await page.getByRole('searchbox', { name: 'Search by title or id' }).fill(test.title.toUpperCase());
  await page.waitForURL(address => address.searchParams.get('q') === test.title.toUpperCase());
  await until(async () => await page.locator('.tests tbody tr').count() === 1, 'the search leaves one test');
  const { tests: [told] } = await api.get('/api/v3/testResults', { q: test.title });
  const { total, complete, inProgress, abandoned } = told.sessions;
  assert.deepEqual((await cells(page.locator('.tests tbody tr'))).slice(1, 5).map(Number), [total, complete, inProgress, abandoned]);
  await page.getByRole('link', { name: test.title }).click();
  await page.getByRole('heading', { level: 1, name: test.title }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/tests/${test.id}`);
  assert.equal(await page.title(), `${test.title} – Results`);
}

/** Behind each picture stands a table with what the API says, and marks of the picture say the same. */
async function showsEveryPicture(page, api, test) {
  const summary = await api.summary(test.id);
  assert.deepEqual(await tiles(page), told(summary.sessions));
  assert.deepEqual(
    (await table(page, 'sessions-over-time')).map(row => row.slice(1).map(Number)),
    summary.overTime.buckets.map(one => [one.complete, one.inProgress, one.abandoned, one.complete + one.inProgress + one.abandoned]));
  const [qx] = summary.qxScores;
  assert.deepEqual((await table(page, 'qx-score-1')).map(row => row[1]), [
    qx.qxScore, qx.components.behavioral, ...qx.values.behavioral, qx.components.attitudinal,
    qx.values.usability, qx.values.trust, qx.values.appearance, qx.values.loyalty,
  ].map(text));
  assert.deepEqual(await page.locator('.task h3').allInnerTexts(), summary.tasks.map((task, n) => `${n + 1}. ${task.text}`));

  for (const [n, task] of summary.tasks.entries()) {
    await page.locator('.task').nth(n).scrollIntoViewIfNeeded();
    const told = await api.task(test.id, task.taskId);
    const name = `task-${n + 1}`;
    assert.deepEqual(
      (await table(page, `${name}-times`)).map(row => Number(row[2].replaceAll(',', ''))),
      ['min', 'p25', 'median', 'mean', 'p75', 'p95', 'max'].map(key => Math.round(told.durationMs[key])));
    await pictures[Object.keys(told.answers)[0]](page, name, told, api, test);
  }

  const list = page.locator('section.sessions');
  await list.scrollIntoViewIfNeeded();
  await until(async () => await list.locator('tbody a').count() === SESSIONS, 'the sessions are listed');
  const { sessions } = await api.get(`/api/v3/testResults/${test.id}/sessions`);
  assert.deepEqual(
    await list.locator('tbody a').evaluateAll(links => links.map(link => link.getAttribute('href'))),
    sessions.map(session => `/sessions/${session.sessionId}`));
}

/** What is compared of each type of task. */
const pictures = {
  blank: async page => assert.equal(await page.locator('.task').first().locator('.times svg').count(), 1),
  nps: async (page, name, { answers: { nps } }) => {
    assert.deepEqual((await table(page, `${name}-net-promoter-score`)).map(row => Number(row[1])), [nps.detractors, nps.passives, nps.promoters]);
    assert.deepEqual((await table(page, `${name}-scores`)).map(row => row.slice(0, 2).map(Number)), nps.distribution.map(one => [one.score, one.count]));
    const score = nps.score > 0 ? `+${nps.score}` : nps.score < 0 ? `−${-nps.score}` : '0';
    assert.equal(await page.locator('.task', { has: page.locator(`[data-name=${name}-scores]`) }).locator('.score strong').innerText(), score);
    assert.deepEqual((await marks(page, `${name}-scores`)).map(mark => mark.split(' answer')[0]), nps.distribution.map(one => `${one.score}: ${one.count}`));
  },
  ratingScale: async (page, name, { answers: { ratingScale } }) => {
    const counts = new Map(ratingScale.distribution.map(one => [one.value, one.count]));
    const rows = Array.from({ length: ratingScale.max - ratingScale.min + 1 }, (_, n) => [ratingScale.min + n, counts.get(ratingScale.min + n) ?? 0]);
    assert.deepEqual((await table(page, `${name}-ratings`)).map(row => row.slice(0, 2).map(Number)), rows);
  },
  matrix: async (page, name, { answers: { matrix } }) => {
    const shown = await table(page, `${name}-matrix`);
    assert.deepEqual(shown.map(row => row[0]), matrix.rows.map(row => row.label));
    for (const [n, row] of matrix.rows.entries())
      assert.deepEqual(shown[n].slice(1, -1).map(Number).filter(Boolean), row.selections.map(one => one.count));
  },
  multipleChoice: async (page, name, { answers: { multipleChoice } }, api, test) => {
    const task = page.locator('.task', { has: page.locator(`[data-name=${name}-choices]`) });
    await task.getByText(multipleChoice.multiSelect ? 'Several could be chosen (multi-select)' : 'One could be chosen').waitFor();
    assert.deepEqual(
      sorted((await table(page, `${name}-choices`)).map(row => row.slice(0, 2))),
      sorted([...multipleChoice.options.map(one => [one.text, text(one.count)]),
        ...(multipleChoice.other ? [['In their own words', text(multipleChoice.other)]] : [])]));
  },
  rankOrder: async (page, name, { answers: { rankOrder } }) => {
    const shown = await table(page, `${name}-ranks`);
    assert.deepEqual(shown.map(row => [row[0], Number(row[1])]), rankOrder.options.map(one => [one.text, Math.round(one.meanRank * 100) / 100]));
    for (const [n, option] of rankOrder.options.entries())
      for (const { rank, count } of option.ranks)
        assert.equal(Number(shown[n][1 + rank]), count);
  },
  url: async (page, name, told) => {
    await outcomes(page, name, told.answers.url, told);
    await paths(page, name, told.answers.url);
  },
  figma: async (page, name, told) => {
    await outcomes(page, name, told.answers.figma, told);
    await paths(page, name, told.answers.figma);
    assert.deepEqual((await table(page, `${name}-misclicks`)).map(row => [row[0], Number(row[1])]), told.answers.figma.misclicks.map(one => [one.nodeId, one.count]));
  },
  image: async (page, name, { answers: { image } }, api, test) => {
    // The image is elsewhere, and is not asked for: a frame stands in its place.
    const place = page.locator(`[data-name=${name}-image-1]`);
    assert.equal(await place.locator('img').count(), 0);
    await place.getByRole('link', { name: image.images[0].imageUrl }).waitFor();
    const rows = await table(page, `${name}-image-1`);
    const { answers } = await api.get(`/api/v3/testResults/${test.id}/tasks/${test.tasks.find(task => task.type === 'IMAGE').taskId}/answers`);
    const annotations = answers.flatMap(one => one.answer.annotations);
    assert.deepEqual(rows.map(row => [row[1], Number(row[2]), Number(row[3])]), annotations.map(one => [one.comment, one.x, one.y]));
    const frame = await place.locator('.image-place').boundingBox();
    const mark = await place.locator('.mark.area').first().boundingBox();
    const first = annotations.find(one => one.width);
    assert.ok(Math.abs((mark.x - frame.x) / frame.width - first.x) < 0.02, 'the mark is where it was drawn');
    assert.ok(Math.abs(mark.width / frame.width - first.width) < 0.02, 'the mark is as wide as it was drawn');
  },
  written: async (page, name, told, api, test) => {
    const list = page.locator(`[data-name=${name}-answers]`);
    await list.locator('blockquote').first().waitFor();
    assert.equal(await list.locator('blockquote').count(), told.answered);
  },
};

async function outcomes(page, name, { outcomes }, { answered, skipped }) {
  const shown = Object.fromEntries((await table(page, `${name}-outcomes`)).map(row => [row[0], Number(row[1])]));
  const untold = answered - outcomes.reduce((sum, one) => sum + one.count, 0);
  const count = name => outcomes.find(one => one.outcome === name)?.count ?? 0;
  assert.deepEqual(shown, {
    Success: count('SUCCESS'), Failure: count('FAILURE'), Unknown: count('UNKNOWN'), ...(untold ? { 'Not told': untold } : {}), Skipped: skipped,
  });
}

async function paths(page, name, { paths }) {
  const rows = page.locator(`[data-name=${name}-paths] tbody tr`);
  const shown = await rows.evaluateAll(all => all.map(row =>
    ({ path: [...row.querySelectorAll('.steps li')].map(step => step.title), count: Number(row.querySelector('td').textContent) })));
  assert.deepEqual(shown, paths);
}

/** Filters are in the address, and in what the API is asked; the page says the same when it is loaded anew. */
async function filters(page, url, api, test) {
  const age = page.getByRole('combobox', { name: 'Age' });
  await page.getByRole('checkbox', { name: 'Complete' }).check();
  await age.selectOption('AGE:35–44');
  await page.getByRole('combobox', { name: 'Audience' }).selectOption(AUDIENCE);
  await page.getByLabel('Started from (UTC)').fill('2026-03-02');
  await page.getByLabel('to', { exact: true }).fill('2026-03-04');
  await page.getByRole('combobox', { name: 'Task type' }).selectOption('NPS');
  const days = { from: '2026-03-02T00:00:00.000Z', to: '2026-03-05T00:00:00.000Z' };
  const params = { status: 'COMPLETE', demographic: 'AGE:35–44', audienceId: AUDIENCE, ...days };
  const summary = await api.get(`/api/v3/testResults/${test.id}/summary`, params);
  assert.ok(summary.sessions.total > 0 && summary.sessions.total < SESSIONS, 'the filters leave some sessions');
  for (const isLoadedAnew of [false, true]) {
    if (isLoadedAnew)
      await page.reload();
    await until(async () => equal(await tiles(page), told(summary.sessions)), 'the counts are those of the filters');
    await until(async () => await page.locator('.task').count() === 1, 'one task is left');
    const n = test.tasks.findIndex(task => task.type === 'NPS') + 1;
    await page.locator('.task').scrollIntoViewIfNeeded();
    const { answers: { nps } } = await api.get(`/api/v3/testResults/${test.id}/tasks/${test.tasks[n - 1].taskId}/summary`, params);
    await until(async () => equal(
      (await table(page, `task-${n}-scores`)).map(row => Number(row[1])), nps.distribution.map(one => one.count)), 'the picture is of the filters');
  }
  assert.deepEqual(Object.fromEntries(new URL(page.url()).searchParams), {
    status: 'COMPLETE', demographic: 'AGE:35–44', audienceId: AUDIENCE, from: '2026-03-02', to: '2026-03-04', taskType: 'NPS',
  });
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await until(async () => Number((await tiles(page)).Sessions) === SESSIONS, 'all sessions are back');
  assert.equal(new URL(page.url()).search, '');
}

/** Written answers are found by their words, which are in the address: the page shows them again when it is loaded anew, and the way back leads out. */
async function searchesAnswers(page, url, api, test) {
  const n = test.tasks.findIndex(task => task.type === 'WRITTEN') + 1;
  const list = page.locator(`[data-name=task-${n}-answers]`);
  await page.locator('.task').nth(n - 1).scrollIntoViewIfNeeded();
  const search = list.getByRole('searchbox');
  await search.fill('not');
  await page.waitForURL(address => address.searchParams.has('answers'));
  await search.fill('notice');
  const { answers } = await api.get(`/api/v3/testResults/${test.id}/tasks/${test.tasks[n - 1].taskId}/answers`, { q: 'notice' });
  for (const isLoadedAnew of [false, true]) {
    await page.waitForURL(address => address.searchParams.get('answers') === `${test.tasks[n - 1].taskId}:notice`);
    if (isLoadedAnew)
      await page.reload();
    await until(async () => equal(await list.locator('blockquote').allInnerTexts(), answers.map(one => one.answer.text)), 'the answers are found');
    assert.equal(await list.locator('mark').count(), answers.length);
    assert.equal(await search.inputValue(), 'notice');
    // Nobody has to look for them on the page.
    await until(() => page.locator('.task').nth(n - 1).evaluate(task => task.getBoundingClientRect().top < innerHeight), 'the task is in view');
  }

  await page.goBack();
  await until(async () => await search.inputValue() === '' && await list.locator('mark').count() === 0, 'all answers are back');
  assert.equal(page.url(), `${url}/tests/${test.id}`);
}

/** A session that answers while somebody reads: the numbers change, and nothing else does. */
async function updatesByItself(page, api, test) {
  const written = test.tasks.findIndex(task => task.type === 'WRITTEN') + 1;
  const nps = test.tasks.findIndex(task => task.type === 'NPS') + 1;
  const rating = test.tasks.findIndex(task => task.type === 'RATING_SCALE') + 1;
  const before = (await api.task(test.id, test.tasks[rating - 1].taskId)).answered;
  await page.locator('.task').nth(rating - 1).scrollIntoViewIfNeeded();
  await table(page, `task-${rating}-ratings`);
  const field = page.locator(`[data-name=task-${written}-answers]`).getByRole('searchbox');
  await field.scrollIntoViewIfNeeded();
  await field.fill('not');
  await until(async () => await page.locator(`[data-name=task-${written}-answers] mark`).count() > 0, 'the search has answered');
  const place = () => page.evaluate(() => {
    const { activeElement } = document;
    return [Math.round(activeElement.getBoundingClientRect().top), activeElement.value, document.querySelectorAll('details.numbers[open]').length];
  });
  const read = await place();
  await api.record(test.session(SESSIONS));
  await until(async () => Number((await tiles(page)).Sessions) === SESSIONS + 1, 'the counts follow');
  await until(async () => (await table(page, `task-${rating}-ratings`)).reduce((sum, row) => sum + Number(row[1]), 0) === before + 1, 'the picture follows');
  assert.deepEqual(await place(), read);
  await page.locator('.task').nth(nps - 1).scrollIntoViewIfNeeded();
  const { answers } = await api.task(test.id, test.tasks[nps - 1].taskId);
  await until(async () => equal((await table(page, `task-${nps}-scores`)).map(row => Number(row[1])), answers.nps.distribution.map(one => one.count)), 'what was far away follows');
}

/** Nothing is wider than a phone. */
async function fitsAPhone(page, url, test) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  for (const path of ['/', `/tests/${test.id}`]) {
    await page.goto(url + path);
    await page.locator('.tests, .task').first().waitFor();
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} fits`);
  }
  await page.setViewportSize(size);
}

const saysWhatIsNotThere = async (page, url) => {
  await page.goto(`${url}/tests/${randomUUID()}`);
  await page.getByRole('heading', { level: 1, name: 'No such test' }).waitFor();
};

const tiles = async page => Object.fromEntries(await page.locator('.tiles > div').evaluateAll(all =>
  all.map(tile => [tile.querySelector('dt').textContent, Number(tile.querySelector('dd').textContent)])));

const told = one => ({ Sessions: one.total, Complete: one.complete, 'In progress': one.inProgress, Abandoned: one.abandoned });

/** The rows of the table behind a picture, once the picture is drawn. */
async function table(page, name) {
  const figure = page.locator(`[data-name="${name}"]`);
  await figure.locator('.chart svg, .image-place').first().waitFor();
  const details = figure.locator('details.numbers');
  if (!await details.evaluate(element => element.open))
    await details.locator('summary').click();
  return details.locator('tbody tr').evaluateAll(rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim())));
}

/** What the marks of a picture say to a screen reader. */
const marks = (page, name) => page.locator(`[data-name="${name}"] svg [role=graphics-symbol][aria-roledescription=bar]`)
  .evaluateAll(all => all.map(mark => mark.getAttribute('aria-label')));

const cells = row => row.evaluate(element => [...element.cells].map(cell => cell.textContent.trim()));
const text = value => value === null ? '–' : value.toLocaleString('en');
const sorted = rows => rows.map(row => row.join(' ')).sort();
const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other);

async function until(isTrue, what) {
  for (const end = Date.now() + PATIENCE; !await isTrue();) {
    assert.ok(Date.now() < end, `not within ${PATIENCE / 1000} s: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** Requests of the page itself, so with its own session and rights. */
function apiOf(page) {
  const get = async (path, params = {}) => {
    const answer = await page.evaluate(async address => {
      const response = await fetch(address);
      return { isOk: response.ok, text: await response.text() };
    }, `${path}?${new URLSearchParams(params)}`);
    assert.ok(answer.isOk, answer.text);
    return JSON.parse(answer.text);
  };
  return {
    get,
    summary: test => get(`/api/v3/testResults/${test}/summary`),
    task: (test, task) => get(`/api/v3/testResults/${test}/tasks/${task}/summary`),
    record: async events => {
      const answer = await page.evaluate(async body => {
        const response = await fetch('/api/v2/sessionEvents', {
          method: 'POST', headers: { 'Content-Type': 'application/cloudevents-batch+json', 'X-Explorer': '1' }, body,
        });
        return response.ok ? '' : response.text();
      }, JSON.stringify(events));
      assert.equal(answer, '');
    },
  };
}
