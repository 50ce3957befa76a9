// A client of the Results API, typed by its description alone. It goes the way of README.md's tour and then through every
// endpoint with the sample sessions, and prints what it saw as JSON: node tour.js URL.
import assert from 'node:assert/strict';
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

const baseUrl = process.argv[2]!;
const anonymous = createClient<paths>({ baseUrl });

const granted = await anonymous.POST('/oauth2/token', {
  body: { grant_type: 'client_credentials', client_id: 'demo', client_secret: 'demo-secret' },
  bodySerializer: (body) => new URLSearchParams(body as Record<string, string>),
  headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
});
assert.ok(granted.data, 'a token');
const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${granted.data.access_token}` } });

// How long a signed URL is good for, in seconds. One that took a moment to sign has lost that.
const validity = (url: string) => String(60 * Math.ceil(Number(new URL(url).searchParams.get('X-Amz-Expires')) / 60));

// The tour: a session whose answer comes before its start, read in v3 and v2, and sent again.
const sessionId = '0195512c-0000-7000-8000-00000000000a';
const answered: components['schemas']['TaskAnsweredEvent'] = {
  specversion: '1.0', id: '0195512c-0000-7000-8000-000000000002', source: '/recorder/web/4.2.0',
  type: 'results.TaskAnswered.v1', subject: sessionId, time: '2026-03-01T10:15:24.123Z',
  data: {
    taskId: '0195512c-0000-7000-8000-0000000000b1', position: 0, text: 'How likely are you to recommend us?',
    startTimeMs: 15000, endTimeMs: 20000, answer: { type: 'NPS', score: 9 },
  },
};
const started: components['schemas']['SessionStartedEvent'] = {
  specversion: '1.0', id: '0195512c-0000-7000-8000-000000000001', source: '/recorder/web/4.2.0',
  type: 'results.SessionStarted.v1', subject: sessionId, time: '2026-03-01T10:15:04.123Z',
  data: {
    workspaceId: '0d3a0000-0000-4000-8000-0000000000a1', testId: '0195512c-0000-7000-8000-0000000000c1',
    productType: 'SURVEY', startedAt: '2026-03-01T10:15:04.123Z',
  },
};
const send = async () => {
  const sent = await api.POST('/api/v2/sessionEvents', { body: [answered, started], headers: { 'Content-Type': 'application/cloudevents-batch+json' } });
  assert.ok(sent.data, JSON.stringify(sent.error));
  return sent.data;
};
const first = await send();

const v3 = await api.GET('/api/v3/sessionResults/{sessionId}', { params: { path: { sessionId } } });
const task = v3.data?.tasks[0];
assert.ok(task?.response?.answer?.nps);
const v2 = await api.GET('/api/v2/sessionResults/{sessionId}', { params: { path: { sessionId } } });
const again = await send();

// Every other endpoint, from the tests down to their files.
const tests = await api.GET('/api/v2/testResults', { params: { query: { limit: 100 } } });
assert.ok(tests.data);
const seen: Record<string, unknown> = {};
for (const { testId, sessions } of tests.data.tests) {
  const statuses: components['schemas']['SessionStatus'][] = ['IN_PROGRESS', 'COMPLETE', 'ABANDONED'];
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const part = await api.GET('/api/v2/sessionResults', { params: { query: { testId, limit: 1, status: statuses, ...(cursor ? { cursor } : {}) } } });
    assert.ok(part.data);
    assert.equal(part.data.meta.pagination.totalCount, sessions.total);
    ids.push(...part.data.sessions.map((session) => session.sessionId));
    cursor = part.data.meta.pagination.nextCursor;
  } while (cursor);
  assert.equal(ids.length, sessions.total);

  const scores = await api.GET('/api/v2/testResults/{testId}/qxScores', { params: { path: { testId } } });
  const reels = await api.GET('/api/v2/testResults/{testId}/highlightreels', { params: { path: { testId } } });
  assert.ok(reels.data);
  for (const reel of reels.data.reels) {
    const file = await api.GET('/api/v2/testResults/{testId}/highlightreels/{reelId}', { params: { path: { testId, reelId: reel.uuid } } });
    assert.equal(validity(file.data!.reelUrl!), '900');
    seen.reel = { name: reel.name, all: reel.areAllClipsInReel, status: file.data!.status };
  }

  for (const id of ids) {
    const path = { sessionId: id };
    const details = await api.GET('/api/v3/sessionResults/{sessionId}', { params: { path } });
    assert.equal(details.data?.testId, testId);
    const transcript = await api.GET('/api/v2/sessionResults/{sessionId}/transcript', { params: { path }, parseAs: 'text' });
    const video = await api.GET('/api/v2/sessionResults/{sessionId}/videoDownloadUrl', { params: { path } });
    const clips = await api.GET('/api/v2/sessionResults/{sessionId}/clips', { params: { path } });
    const files = [];
    for (const clip of clips.data?.clips ?? []) {
      const file = await api.GET('/api/v2/sessionResults/{sessionId}/clips/{clipUuid}', { params: { path: { ...path, clipUuid: clip.uuid } } });
      assert.equal(file.data!.clipUrl !== undefined, file.data!.status === 'GENERATED');
      files.push(file.data!.status);
    }
    seen[id] = {
      product: details.data!.productType, status: details.data!.status, tasks: details.data!.tasks.length,
      transcript: transcript.response.status === 200 ? transcript.data!.split('\n')[0] : transcript.response.status,
      video: video.data ? validity(video.data.videoUrl) : video.response.status,
      clips: clips.data ? files : clips.response.status, scores: scores.data?.qxScores.map((score) => score.qxScore) ?? scores.response.status,
    };
  }
}

// As the reference's clients find tests.
const workspaces = await api.GET('/v1/workspaces');
assert.ok(workspaces.data);
const studies: Record<string, unknown>[] = [];
for (const { uuid } of workspaces.data) {
  const part = await api.GET('/v1/workspaces/{workspaceUuid}', { params: { path: { workspaceUuid: uuid } } });
  assert.ok(part.data);
  for (const { uuid: studyUuid, type, title } of part.data) {
    assert.equal(type, 'STUDYV2');
    const study = await api.GET('/v1/studies/{studyUuid}', { params: { path: { studyUuid } } });
    assert.equal(study.data!.title, title);
    studies.push({ title, sessions: study.data!.sessionCount, tasks: study.data!.tasks.length, nps: study.data!.netPromoterScores.map(({ score }) => score) });
  }
}

// A refusal is typed as well.
const refused = await api.GET('/api/v2/sessionResults', { params: { query: { testId: sessionId, limit: 501 } } });
assert.equal(refused.data, undefined);

console.log(JSON.stringify({
  tokenType: granted.data.token_type, first, again, nps: task.response.answer.nps, v2: v2.data?.sessionTaskResults[0]?.taskType,
  refused: refused.error?.errors, seen, studies,
}));
