// The way that each generated client goes: it reads sessions in v3 and v2, walks a list, sends events and reads problems. What it saw is
// printed as JSON. The types are openapi-typescript's; those of the other generators have to be assignable to them.
import { randomUUID } from 'node:crypto';
import type { components } from '../api.js';

type Schemas = components['schemas'];

/** What every client can do, each by what its own generator made. */
export interface Client {
  token(): Promise<Schemas['AccessToken']>;
  v3(sessionId: string): Promise<Schemas['SessionResultV3']>;
  v2(sessionId: string): Promise<Schemas['SessionResultV2']>;
  page(testId: string, cursor: string | undefined): Promise<Schemas['SessionResultsPage']>;
  transcript(sessionId: string): Promise<string>;
  send(ids: Ids, score: number): Promise<Answered<Schemas['EventsRecorded']>>;
  sendLines(lines: Blob): Promise<Schemas['EventLinesRecorded']>;
  beyond(testId: string): Promise<Answered<unknown>>;
}

/** An answer, or the problem that it is. */
export interface Answered<T> {
  data?: T | undefined;
  problem?: Schemas['Problem'] | undefined;
}

export interface Ids {
  session: string;
  test: string;
  workspace: string;
  events: [string, string];
}

const seen = (v3: Schemas['SessionResultV3'], v2: Schemas['SessionResultV2']) => ({
  test: v3.testId, product: v3.productType, status: v3.status, runs: v3.finishTime === null,
  audience: v3.audienceId, plan: v2.testPlanId,
  participant: v3.sessionParticipant?.participantId ?? null,
  demographics: v3.sessionParticipant?.demographicsInfo.map(({ code, type }) => `${code ?? '-'} ${type ?? '-'}`) ?? null,
  groups: v3.taskGroups.map(({ type, response }) => `${type} ${response?.score ?? response?.sequence ?? '-'}`),
  v3: v3.tasks.map(({ type, response }) => `${type} ${response?.skipped ? 'skipped' : response?.answer ? shown(response.answer) : '-'}`),
  v2: v2.sessionTaskResults.map(({ taskType, taskResponse: it }) => `${taskType} ${it?.score ?? it?.outcome ?? it?.reason ?? it?.text ?? '-'}`),
});

const shown = (answer: Schemas['TaskAnswerV3']) =>
  answer.written ? answer.written.text ?? '-'
  : answer.nps ? `${answer.nps.score} ${answer.nps.category}`
  : answer.ratingScale ? `${answer.ratingScale.value} ${answer.ratingScale.minLabel ?? '-'}`
  : answer.multipleChoice ? `${answer.multipleChoice.options.filter(({ selected }) => selected).map(({ id }) => id)} ${answer.multipleChoice.maxLimit ?? '-'}`
  : answer.rankOrder ? `${answer.rankOrder.ranking.map(({ rank }) => rank)}`
  : answer.matrix ? `${answer.matrix.rows.length} ${answer.matrix.rows[0]?.selections[0]?.value ?? '-'}`
  : answer.url ? `${answer.url.outcome} ${answer.url.finalUrl ?? '-'}`
  : answer.image ? `${answer.image.annotations.length} ${answer.image.annotations[0]?.width ?? '-'}`
  : answer.figma ? `${answer.figma.misclickCount} ${answer.figma.outcome ?? '-'}`
  : answer.blank ? 'blank'
  : 'none';

export const go = async (client: Client) => {
  const [, , , test, session, workspace] = process.argv as [string, string, string, string, string, string];
  const tokenType = (await client.token()).token_type;

  const sessions: Record<string, unknown> = {};
  let cursor: string | undefined;
  do {
    const page = await client.page(test, cursor);
    for (const { sessionId } of page.sessions) sessions[sessionId] = seen(await client.v3(sessionId), await client.v2(sessionId));
    cursor = page.meta.pagination.nextCursor;
  } while (cursor !== undefined);

  const ids: Ids = { session, test: randomUUID(), workspace, events: [randomUUID(), randomUUID()] };
  const [first, again, refused] = [await client.send(ids, 9), await client.send(ids, 9), await client.send(ids, 11)];
  const line = JSON.stringify({ specversion: '1.0', id: randomUUID(), source: '/recorder', type: 'results.SessionCompleted.v1', subject: session, time: '2026-03-01T10:20:00.000Z', data: { finishedAt: '2026-03-01T10:20:00Z' } });
  const lines = await client.sendLines(new Blob([`${line}\n{}\n`], { type: 'application/x-ndjson' }));
  const beyond = await client.beyond(test);
  console.log(JSON.stringify({
    tokenType, sessions, transcript: (await client.transcript(Object.keys(sessions)[0]!)).split('\n')[0],
    sent: [first, again].map(({ data }) => `${data?.accepted} ${data?.duplicates} ${data?.events[0]?.outcome}`), lines: `${lines.accepted} ${lines.refused} ${lines.refusals[0]?.line}`,
    after: (await client.v3(session)).status, refused: refused.problem?.events?.[0]?.fields,
    beyond: `${beyond.problem?.status} ${beyond.problem?.errors?.limit}`,
  }));
};
