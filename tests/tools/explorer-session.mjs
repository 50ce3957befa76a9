// The page of a session in a browser: what it shows is compared with what the API answers. `session({ page, url, store })` is a step of
// explorer.mjs; it needs the sample sessions, and an object store that takes what is put into it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  ABANDONED, ALOUD, CONVERSATION, INTERACTIONS, SURVEY, apiOf, isAt, open, result, shown, told,
} from './explorer-session-data.mjs';

/** @param {{ page: import('playwright-core').Page, url: string }} where */
export async function session({ page, url }) {
  const api = apiOf(page);
  await page.goto(`${url}/sessions/${SURVEY}`);
  await page.getByRole('heading', { level: 1, name: /^Session of/ }).waitFor();
  for (const id of [SURVEY, ABANDONED, CONVERSATION, INTERACTIONS, ALOUD])
    await showsWhatTheApiSays(page, url, api, id);
  await showsEachAnswer(page, url, api);
  await saysWhatDiffers(page, url, api);
  await movesThroughTime(page, url, api);
  await listsEvents(page, url, api);
  await playsTheRecording(page, url, api);
  await stepsThroughARun(page, url, api);
  await followsASession(page, url, api);
  await refusesWhatIsNotThere(page, url);
  return { sessions: 5 };
}

async function showsWhatTheApiSays(page, url, api, id) {
  await open(page, url, id);
  assert.deepEqual(await shown(page), told(await result(api, id)));
}

async function showsEachAnswer(page, url, api) {
  await open(page, url, SURVEY);
  const { tasks } = await result(api, SURVEY);
  const { body: { sessionTaskResults } } = await api(`/api/v2/sessionResults/${SURVEY}`);
  for (const [index, { uuid, response: { answer } }] of tasks.entries()) {
    const words = await page.locator(`#task-${uuid}`).textContent();
    const says = (...texts) => texts.forEach(text => assert.ok(words.includes(text), `task ${index + 1} says ${text}: ${words}`));
    const [[kind, payload]] = Object.entries(answer ?? { skipped: sessionTaskResults[index].taskResponse });
    const chosen = await page.locator(`#task-${uuid} .is-chosen`).allTextContents();
    switch (kind) {
      case 'written': says(payload.text); break;
      case 'ratingScale': says(payload.minLabel, payload.maxLabel); assert.deepEqual(chosen, [String(payload.value)]); break;
      case 'nps': assert.deepEqual(chosen, [String(payload.score)]); says('Passive'); break;
      case 'matrix': payload.rows.forEach(row => says(row.label, row.selections[0]?.label ?? 'nothing chosen')); break;
      case 'multipleChoice':
        assert.deepEqual(chosen.map(text => text.trim().replace(/^[☑◉]\s*/, '').replace(/\s*\(chosen\)$/, '')),
          payload.options.filter(option => option.selected).map(option => option.text));
        if (payload.otherText) says(payload.otherText);
        break;
      case 'rankOrder':
        assert.deepEqual(await page.locator(`#task-${uuid} ol li`).allTextContents(), payload.ranking.map(option => option.text)); break;
      case 'image': says(payload.imageUrl, ...payload.annotations.map(mark => mark.comment)); break;
      case 'skipped': says('Skipped', payload.reason === 'LOGIC' ? 'logic of the test' : 'by the participant'); break;
      default: says('nothing to answer');
    }
  }
}

/** What differs between two results: by examples, and nothing exactly where two versions of a sample are the same. */
async function saysWhatDiffers(page, url, api) {
  await open(page, url, INTERACTIONS);
  const differenceOf = pairs => page.evaluate(async given => {
    const module = await import(new URL('pages/session/difference.js', document.querySelector('script[src$="/app.js"]').src).href);
    return given.map(([before, after]) => module.differenceOf(before, after));
  }, pairs);
  const [a, b] = [{ uuid: 'a', text: 'A' }, { uuid: 'b', text: 'B' }];
  assert.deepEqual(await differenceOf([
    [{ x: 1, y: null }, { x: 1 }],
    [{ x: 1 }, { x: 2, y: { z: 3 } }],
    [{ x: null, y: [] }, { x: 0 }],
    [{ tasks: [a] }, { tasks: [b, { ...a, text: 'C' }] }],
    [{ tasks: [a, b] }, { tasks: [b, a] }],
    [[1, 2], [1, 3, 4]],
    [{ x: 'text' }, { x: { now: 'more' } }],
  ]), [
    [],
    [{ kind: 'changed', path: ['x'], before: 1, after: 2 }, { kind: 'added', path: ['y'], after: { z: 3 } }],
    [{ kind: 'added', path: ['x'], after: 0 }, { kind: 'removed', path: ['y'], before: [] }],
    [
      { kind: 'added', path: ['tasks', { item: b, index: 0 }], after: b },
      { kind: 'changed', path: ['tasks', { item: { ...a, text: 'C' }, index: 1 }, 'text'], before: 'A', after: 'C' },
    ],
    [{ kind: 'moved', path: ['tasks'], before: [a, b], after: [b, a] }],
    [
      { kind: 'changed', path: [{ item: 3, index: 1 }], before: 2, after: 3 },
      { kind: 'added', path: [{ item: 4, index: 2 }], after: 4 },
    ],
    [{ kind: 'changed', path: ['x'], before: 'text', after: { now: 'more' } }],
  ]);

  const { body: { meta: { lastVersion } } } = await api(`/api/v3/sessionResults/${INTERACTIONS}/events?limit=1`);
  const bodies = await Promise.all(Array.from({ length: lastVersion }, (_, n) => result(api, INTERACTIONS, n + 1)));
  const pairs = bodies.slice(1).map((after, n) => [bodies[n], after]);
  assert.deepEqual(
    (await differenceOf(pairs)).map(differences => differences.length === 0),
    pairs.map(([before, after]) => JSON.stringify(before) === JSON.stringify(after)));
}

async function movesThroughTime(page, url, api) {
  const { body: { events, meta: { lastVersion } } } = await api(`/api/v3/sessionResults/${SURVEY}/events?limit=100`);
  await open(page, url, SURVEY);
  const slider = page.getByRole('slider');
  assert.deepEqual([await slider.inputValue(), await slider.getAttribute('max')], [String(lastVersion), String(lastVersion)]);
  for (const version of [1, 2, 3, 7, lastVersion - 1]) {
    await slider.fill(String(version));
    await isAt(page, version);
    assert.deepEqual(await shown(page), told(await result(api, SURVEY, version)), `version ${version}`);
    assert.equal(new URL(page.url()).searchParams.get('version'), String(version));
  }

  // A drag asks for the last place only in the end, and shows it.
  await slider.focus();
  for (let step = 0; step < 6; step++) await page.keyboard.press('ArrowLeft');
  await isAt(page, lastVersion - 7);
  assert.match(await slider.getAttribute('aria-valuetext'), new RegExp(`^Event ${lastVersion - 7} of ${lastVersion}: `));
  await page.getByRole('button', { name: 'Next event' }).click();
  await isAt(page, lastVersion - 6);
  await page.getByRole('button', { name: 'Previous event' }).click();
  await isAt(page, lastVersion - 7);

  // The second answer to a task replaces the first: the words of both stand there.
  const second = events.findLast(({ data }) => data.taskId === 'd2422226-cc87-4926-bd80-a0c03d43e68e').sessionversion;
  await open(page, url, SURVEY, `?version=${second}`);
  await isAt(page, second);
  const [before, after] = await Promise.all([second - 1, second].map(version => result(api, SURVEY, version)));
  const textOf = body => body.tasks.find(task => task.uuid === 'd2422226-cc87-4926-bd80-a0c03d43e68e').response.answer.written.text;
  const differences = page.getByRole('list', { name: 'What the event changed' });
  assert.ok((await differences.locator('del').allInnerTexts()).includes(textOf(before)));
  assert.ok((await differences.locator('ins').allInnerTexts()).includes(textOf(after)));
  assert.equal(await page.locator('.session-task.is-changed h3').textContent(), after.tasks[1].text);

  await page.getByRole('button', { name: 'Newest' }).click();
  await isAt(page, lastVersion);
  assert.equal(new URL(page.url()).search, '');
}

async function listsEvents(page, url, api) {
  const { body: { events } } = await api(`/api/v3/sessionResults/${INTERACTIONS}/events?limit=100`);
  await open(page, url, INTERACTIONS, '?version=12');
  const lines = page.getByRole('list', { name: 'Events' }).locator('> li');
  await lines.nth(events.length - 1).waitFor();
  assert.deepEqual((await lines.locator('pre').allTextContents()).map(text => JSON.parse(text)), events);
  assert.deepEqual(await page.locator('.session-events [aria-current]').getAttribute('data-version'), '12');
  await lines.nth(2).getByRole('link').click();
  await isAt(page, 3);
  assert.deepEqual(await page.locator('.session-events [aria-current]').getAttribute('data-version'), '3');
}

async function playsTheRecording(page, url, api) {
  // The file is where the samples say that it is.
  const { body: { videoUrl } } = await api(`/api/v2/sessionResults/${ALOUD}/videoDownloadUrl`);
  const { origin, pathname } = new URL(videoUrl);
  const stored = await fetch(origin + pathname, { method: 'PUT', body: readFileSync(new URL('recording.webm', import.meta.url)) });
  assert.ok(stored.ok, `the store takes the recording: ${stored.status}`);

  await open(page, url, ALOUD);
  const { body: { clips } } = await api(`/api/v2/sessionResults/${ALOUD}/clips`);
  const cues = page.getByRole('list', { name: 'Transcript' }).locator('li');
  const current = page.getByRole('list', { name: 'Transcript' }).locator('[aria-current]');
  const { body: vtt } = await api(`/api/v2/sessionResults/${ALOUD}/transcript`);
  assert.equal(await cues.count(), vtt.match(/-->/g).length);

  const cue = cues.nth(3).getByRole('button');
  await cue.click();
  await page.waitForFunction(() => document.querySelector('video').currentTime > 80.1);
  assert.ok((await current.innerText()).includes('the card number'));
  assert.ok(await cue.evaluate(button => button === document.activeElement), 'the focus stays where it is');
  await page.evaluate(() => {
    document.querySelector('video').currentTime = 121.5;
  });
  await page.waitForFunction(() => document.querySelector('.session-cues [aria-current]')?.textContent.includes('Fine, I suppose'));

  // A clip ends where it ends.
  const clip = clips[1];
  await page.getByRole('button', { name: `Play clip ${clip.name}` }).click();
  await page.waitForFunction(({ from, to }) => {
    const video = document.querySelector('video');
    return video.readyState > 1 && video.currentTime * 1000 >= from && video.currentTime * 1000 < to;
  }, { from: clip.timeStartMs, to: clip.timeEndMs });
  await page.evaluate(to => {
    document.querySelector('video').currentTime = to / 1000 - 0.3;
  }, clip.timeEndMs);
  await page.waitForFunction(to => {
    const video = document.querySelector('video');
    return video.paused && video.currentTime * 1000 >= to;
  }, clip.timeEndMs);

  await page.getByRole('button', { name: `Get the file of clip ${clips[0].name}` }).click();
  const file = page.getByRole('link', { name: /^Download/ });
  await file.waitFor();
  assert.match(await file.getAttribute('href'), /clips\/.*X-Amz-Signature=/);
  await page.getByRole('button', { name: `Get the file of clip ${clips[1].name}` }).click();
  await page.getByText('Its file could not be made.').waitFor();

  // Without a recording the transcript is there to read.
  await open(page, url, CONVERSATION);
  await page.getByRole('heading', { level: 2, name: 'Transcript' }).waitFor();
  assert.equal(await page.getByRole('list', { name: 'Transcript' }).first().getByRole('button').count(), 0);

  // A past version has the transcript of then, or none yet.
  const { body: { events } } = await api(`/api/v3/sessionResults/${CONVERSATION}/events?limit=50`);
  const { sessionversion: since } = events.find(event => event.type === 'results.SessionTranscribed.v1');
  await open(page, url, CONVERSATION, `?version=${since}`);
  await isAt(page, since);
  await page.getByRole('heading', { level: 2, name: 'Transcript' }).waitFor();
  await page.getByRole('button', { name: 'Previous event' }).click();
  await isAt(page, since - 1);
  await page.getByRole('heading', { level: 2, name: 'Transcript' }).waitFor({ state: 'detached' });
}

async function stepsThroughARun(page, url, api) {
  await open(page, url, INTERACTIONS);
  const { tasks } = await result(api, INTERACTIONS);
  for (const { uuid, response } of tasks.filter(task => task.response.answer?.figma)) {
    const { body } = await api(`/api/v3/sessionResults/${INTERACTIONS}/tasks/${uuid}/interactions?limit=500`);
    const task = page.locator(`#task-${uuid}`);
    const status = task.getByRole('status');
    const screens = task.getByRole('list', { name: 'Screens of the run' });
    let missed = 0;
    for (let step = 1; step <= body.interactions.length; step++) {
      const words = await status.filter({ hasText: `Step ${step} of ${body.interactions.length}` }).textContent();
      const { targetNodeId, presentedNodeId, kind, handled } = body.interactions[step - 1];
      if (kind === 'PRESENTED_NODE_CHANGED') assert.ok(words.includes(`Screen ${presentedNodeId} comes up`), words);
      if (kind === 'MOUSE_PRESS_OR_RELEASE') assert.ok(words.includes(`Click on ${targetNodeId}`), words);
      if (words.includes('Misclick')) {
        assert.equal(handled, false, words);
        missed++;
      }
      if (step < body.interactions.length) await task.getByRole('button', { name: 'Next step' }).click();
    }
    assert.equal(missed, response.answer.figma.misclickCount);
    assert.ok(await task.getByRole('button', { name: 'Next step' }).isDisabled());
    assert.deepEqual(
      (await screens.getByRole('button').allTextContents()).map(text => text.trim().split(/\s/)[0]),
      response.answer.figma.path.map(visit => visit.nodeId));
  }
}

async function followsASession(page, url, api) {
  const { workspaceId, testId } = await result(api, SURVEY);
  const id = crypto.randomUUID();
  const event = (type, data) => ({
    specversion: '1.0', id: crypto.randomUUID(), source: '/recorder/test/1', type: `results.${type}.v1`, subject: id,
    time: new Date().toISOString(), data,
  });
  const answer = position => event('TaskAnswered', {
    taskId: crypto.randomUUID(), position, text: `Live question ${position}`,
    startTimeMs: position * 1000, endTimeMs: position * 1000 + 500,
    answer: { type: 'WRITTEN', text: `Live answer ${position}` },
  });
  const send = async (...events) => {
    const { status, body } = await api('/api/v2/sessionEvents', {
      method: 'POST', headers: { 'Content-Type': 'application/cloudevents-batch+json', 'X-Explorer': '1' }, body: JSON.stringify(events),
    });
    assert.equal(status, 200, JSON.stringify(body));
  };
  const started = event('SessionStarted', { workspaceId, testId, productType: 'SURVEY', startedAt: new Date().toISOString() });
  await send(started, answer(1), answer(2));

  await open(page, url, id);
  assert.equal(await page.locator('.session-task').count(), 2);
  const place = page.getByRole('button', { name: 'Previous event' });
  await place.focus();
  await send(answer(3), answer(4));
  await page.getByText('Live answer 4', { exact: true }).waitFor();
  assert.equal(await page.getByRole('slider').inputValue(), '5');
  assert.deepEqual(await shown(page), told(await result(api, id)));
  assert.ok(await place.evaluate(button => button === document.activeElement), 'the reader keeps the focus');

  // Who looks at what was is not taken away from it.
  await page.getByRole('slider').fill('2');
  await isAt(page, 2);
  await send(event('SessionCompleted', { finishedAt: new Date().toISOString() }));
  await page.waitForFunction(() => document.querySelector('input[type=range]').max === '6');
  assert.equal(await page.getByRole('slider').inputValue(), '2');
  assert.deepEqual(await shown(page), told(await result(api, id, 2)));
  await page.getByRole('button', { name: 'Newest' }).click();
  await isAt(page, 6);
  assert.equal((await shown(page)).status, 'Complete');

  // What is erased while somebody looks at it is gone from the page, and from what it was. The client of Development may not erase.
  const { body: { scopes } } = await api('/explorer/session');
  if (!scopes.includes('privacy:write')) return;
  const erased = await api(`/api/v2/sessions/${id}`, { method: 'DELETE', headers: { 'X-Explorer': '1' } });
  assert.ok([200, 202].includes(erased.status), JSON.stringify(erased.body));
  await page.getByText('Live answer 4', { exact: true }).waitFor({ state: 'detached' });
  await page.getByRole('slider').fill('4');
  await isAt(page, 4);
  assert.deepEqual(await shown(page), told(await result(api, id, 4)));
  assert.ok(!(await page.locator('main').innerText()).includes('Live answer'));
}

async function refusesWhatIsNotThere(page, url) {
  await page.goto(`${url}/sessions/${crypto.randomUUID()}`);
  await page.getByRole('heading', { level: 1, name: 'No such session' }).waitFor();
  await page.goto(`${url}/sessions/${SURVEY}?version=99`);
  await page.getByRole('alert').filter({ hasText: 'no event 99' }).waitFor();
}
