// @ts-check
import { useEffect, useRef } from 'preact/hooks';
import { follow } from '../../api.js';

/** The shortest time between two updates of the page, in milliseconds: a session that runs changes more often. */
const BETWEEN_MS = 2_000;

/**
 * Follows what becomes of a session, and tells of it once in a while: `isGone` when it was erased, moved or expired,
  *   so that what was read
 * counts no longer.
 * @param {string} testId
 * @param {string} cursor from where in the feed
 * @param {string} sessionId
 * @param {number} last the version that is known
 * @param {(isGone: boolean) => void} onChange
 */
export function useLive(testId, cursor, sessionId, last, onChange) {
  const known = useRef({ last, onChange });
  known.current = { last, onChange };
  useEffect(() => {
    let told = 0;
    let timer = 0;
    let isGone = false;
    const tell = () => {
      told = performance.now();
      timer = 0;
      known.current.onChange(isGone);
      isGone = false;
    };
    const stop = follow('/api/v3/changes/stream', { testId, after: cursor }, ({ kind, sessionId: changed, version = 0 }) => {
      if (changed !== sessionId || (kind === 'upserted' && version <= known.current.last && !isGone)) return;
      isGone ||= kind === 'removed';
      if (timer === 0) timer = window.setTimeout(tell, Math.max(0, told + BETWEEN_MS - performance.now()));
    });
    return () => {
      stop();
      window.clearTimeout(timer);
    };
  }, [testId, sessionId, cursor]);
}
