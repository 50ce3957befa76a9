// The client of openapi-typescript and openapi-fetch: node openapi-typescript.js URL TEST SESSION WORKSPACE
import createClient from 'openapi-fetch';
import type { components, paths } from '../api.js';
import { go } from './tour.js';

type Schemas = components['schemas'];

const headers: Record<string, string> = {};
const api = createClient<paths>({ baseUrl: process.argv[2]!, fetch: (request) => {
  for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
  return fetch(request);
} });

await go({
  token: async () => {
    const { data } = await api.POST('/oauth2/token', {
      body: { grant_type: 'client_credentials', client_id: 'demo', client_secret: 'demo-secret' },
      bodySerializer: (body) => new URLSearchParams({ ...body }),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    });
    headers.Authorization = `Bearer ${data!.access_token}`;
    return data!;
  },
  v3: async (sessionId) => (await api.GET('/api/v3/sessionResults/{sessionId}', { params: { path: { sessionId } } })).data!,
  v2: async (sessionId) => (await api.GET('/api/v2/sessionResults/{sessionId}', { params: { path: { sessionId } } })).data!,
  page: async (testId, cursor) => (await api.GET('/api/v2/sessionResults', {
    params: { query: { testId, limit: 1, status: ['IN_PROGRESS', 'COMPLETE'], ...(cursor ? { cursor } : {}) } },
  })).data!,
  transcript: async (sessionId) => (await api.GET('/api/v2/sessionResults/{sessionId}/transcript', { params: { path: { sessionId } }, parseAs: 'text' })).data!,
  send: async ({ session, test, workspace, events: [one, two] }, score) => {
    const started: Schemas['SessionStartedEvent'] = {
      specversion: '1.0', id: one, source: '/recorder', type: 'results.SessionStarted.v1', subject: session, time: '2026-03-01T10:15:00.000Z',
      data: { workspaceId: workspace, testId: test, productType: 'SURVEY', startedAt: '2026-03-01T10:15:00.000Z' },
    };
    const answer: Schemas['NpsAnswer'] = { type: 'NPS', score };
    const answered: Schemas['TaskAnsweredEvent'] = {
      specversion: '1.0', id: two, source: '/recorder', type: 'results.TaskAnswered.v1', subject: session, time: '2026-03-01T10:15:20.000Z',
      data: { taskId: two, position: 0, text: 'How likely are you to recommend us?', startTimeMs: 15000, endTimeMs: 20000, answer },
    };
    const { data, error } = await api.POST('/api/v2/sessionEvents', { body: [answered, started] });
    return { data, problem: error };
  },
  sendLines: async (lines) => (await api.POST('/api/v2/sessionEvents/lines', {
    body: await lines.text(), bodySerializer: (body) => body, headers: { 'Content-Type': 'application/x-ndjson' },
  })).data!,
  beyond: async (testId) => ({ problem: (await api.GET('/api/v2/sessionResults', { params: { query: { testId, limit: 501 } } })).error }),
});
