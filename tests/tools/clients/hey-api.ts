// The client of @hey-api/openapi-ts: node hey-api.js URL TEST SESSION WORKSPACE
import { client } from '../generated/hey-api/client.gen.js';
import {
  getSessionResultV2, getSessionResultV3, getToken, getTranscript, listSessionResults, recordEventLines, recordEvents,
  type NpsAnswer, type SessionStartedEvent, type TaskAnsweredEvent,
} from '../generated/hey-api/index.js';
import { go } from './tour.js';

client.setConfig({ baseUrl: process.argv[2]! });

await go({
  token: async () => {
    const { data } = await getToken({
      body: { grant_type: 'client_credentials', client_id: 'demo', client_secret: 'demo-secret' }, throwOnError: true,
    });
    client.setConfig({ auth: data.access_token });
    return data;
  },
  v3: async (sessionId) => (await getSessionResultV3({ path: { sessionId }, throwOnError: true })).data,
  v2: async (sessionId) => (await getSessionResultV2({ path: { sessionId }, throwOnError: true })).data,
  page: async (testId, cursor) => (await listSessionResults({
    query: { testId, limit: 1, status: ['IN_PROGRESS', 'COMPLETE'], ...(cursor ? { cursor } : {}) }, throwOnError: true,
  })).data,
  transcript: async (sessionId) => (await getTranscript({ path: { sessionId }, parseAs: 'blob', throwOnError: true })).data.text(),
  send: async ({ session, test, workspace, events: [one, two] }, score) => {
    const started: SessionStartedEvent = {
      specversion: '1.0', id: one, source: '/recorder', type: 'results.SessionStarted.v1', subject: session, time: '2026-03-01T10:15:00.000Z',
      data: { workspaceId: workspace, testId: test, productType: 'SURVEY', startedAt: '2026-03-01T10:15:00.000Z' },
    };
    const answer: NpsAnswer = { type: 'NPS', score };
    const answered: TaskAnsweredEvent = {
      specversion: '1.0', id: two, source: '/recorder', type: 'results.TaskAnswered.v1', subject: session, time: '2026-03-01T10:15:20.000Z',
      data: { taskId: two, position: 0, text: 'How likely are you to recommend us?', startTimeMs: 15000, endTimeMs: 20000, answer },
    };
    const { data, error } = await recordEvents({ body: [answered, started] });
    return { data, problem: error };
  },
  sendLines: async (lines) => (await recordEventLines({ body: lines, throwOnError: true })).data,
  beyond: async (testId) => ({ problem: (await listSessionResults({ query: { testId, limit: 501 } })).error }),
});
