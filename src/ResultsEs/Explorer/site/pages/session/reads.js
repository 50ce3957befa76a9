// @ts-check
import { get } from '../../api.js';

/**
 * A session as it is now: its result, its last version, and of what v3 does not tell, each task's type and why it was skipped.
 * `cursor` is a place in the feed of changes before it was read.
 * @typedef {{ result: any, last: number, cursor: string, kinds: Map<string, { type: string, reason?: string }> }} Newest
 */

/**
 * Reads a session as it is now.
 * @param {string} sessionId
 * @param {string | undefined} cursor that of the first time
 * @param {AbortSignal} signal
 * @returns {Promise<Newest>}
 */
export async function readNewest(sessionId, cursor, signal) {
  // Before the session: what comes meanwhile is told by the feed.
  cursor ??= /** @type {string} */ ((await get('/api/v3/changes', { after: 'now', limit: 1 }, { signal })).nextCursor);
  const [result, { meta }, told] = await Promise.all([
    get(`/api/v3/sessionResults/${sessionId}`, {}, { signal }),
    get(`/api/v3/sessionResults/${sessionId}/events`, { limit: 1 }, { signal }),
    get(`/api/v2/sessionResults/${sessionId}`, {}, { signal }),
  ]);
  const kinds = told.sessionTaskResults.map(
    (/** @type {any} */ { taskId, taskType, taskResponse }) => [taskId, { type: taskType, reason: taskResponse?.reason }]);
  return { result, last: meta.lastVersion, cursor, kinds: new Map(kinds) };
}

/**
 * What is said of a test; null where nothing is.
 * @param {string | undefined} testId
 * @param {AbortSignal} signal
 */
export async function readTest(testId, signal) {
  return testId === undefined ? null : get(`/v1/studies/${testId}`, {}, { signal }).catch(nullIf404);
}

/** For what need not be there. @param {any} problem */
export function nullIf404(problem) {
  if (problem.status === 404) return null;
  throw problem;
}
