// The client of orval, over fetch: node orval.js URL TEST SESSION WORKSPACE
import {
  getSessionResultV2, getSessionResultV3, getToken, getTranscript, listSessionResults, recordEventLines, recordEvents,
  type NpsAnswer, type SessionStartedEvent, type TaskAnsweredEvent,
} from '../generated/orval.js';
import { go } from './tour.js';

// Its paths have no host, as in a browser.
const [plain, baseUrl] = [fetch, process.argv[2]!];
globalThis.fetch = (path, init) => plain(new URL(String(path), baseUrl), init);
const options: { headers: Record<string, string> } = { headers: {} };

const found = <T extends { status: number; data: unknown }>(answer: T) => {
  if (answer.status !== 200) throw new Error(JSON.stringify(answer));
  return answer as Extract<T, { status: 200 }>;
};

await go({
  token: async () => {
    const { data } = found(await getToken({ grant_type: 'client_credentials', client_id: 'demo', client_secret: 'demo-secret' }));
    options.headers.Authorization = `Bearer ${data.access_token}`;
    return data;
  },
  v3: async (sessionId) => found(await getSessionResultV3(sessionId, {}, options)).data,
  v2: async (sessionId) => found(await getSessionResultV2(sessionId, options)).data,
  page: async (testId, cursor) =>
    found(await listSessionResults({ testId, limit: 1, status: ['IN_PROGRESS', 'COMPLETE'], ...(cursor ? { cursor } : {}) }, options)).data,
  transcript: async (sessionId) => found(await getTranscript(sessionId, undefined, options)).data.text(),
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
    const result = await recordEvents([answered, started], options);
    return result.status === 200 ? { data: result.data } : { problem: result.data };
  },
  sendLines: async (lines) => found(await recordEventLines(lines, options)).data,
  beyond: async (testId) => {
    const answer = await listSessionResults({ testId, limit: 501 }, options);
    return answer.status === 200 ? {} : { problem: answer.data };
  },
});
