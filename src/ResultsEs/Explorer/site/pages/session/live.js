// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { follow } from '../../api.js';

/** The shortest time between two updates of the page, in milliseconds: a session that runs changes more often. */
const BETWEEN_MS = 2_000;

/**
 * Follows what becomes of a session, and tells of it once in a while, and while somebody looks at the page. `isGone`: it was erased, moved
 * or expired, so that what was read counts no longer.
 * @param {{ testId: string, sessionId: string, cursor: string, last: number, onChange: (isGone: boolean) => void }} what `cursor` is where
 *   it begins in the feed of changes, `last` the version that is known
 * @returns {Pick<import('../../live.js').Live, 'state' | 'toggle'>}
 */
export function useLiveSession({ testId, sessionId, cursor, last, onChange }) {
  const [state, setState] = useState(/** @type {import('../../live.js').Live['state']} */ ('connecting'));
  const [isPaused, setPaused] = useState(false);
  const known = useRef({ last, onChange });
  known.current = { last, onChange };
  useEffect(() => {
    if (isPaused) {
      setState('paused');
      return undefined;
    }
    let told = -Infinity;
    let timer = 0;
    let isGone = false;
    let isDue = false;
    const tell = () => {
      timer = 0;
      if (document.hidden) return;
      told = performance.now();
      known.current.onChange(isGone);
      isGone = false;
      isDue = false;
    };
    const tellSoon = () => {
      timer ||= window.setTimeout(tell, Math.max(0, told + BETWEEN_MS - performance.now()));
    };
    const look = () => isDue && tellSoon();
    const stop = follow('/api/v3/changes/stream', { testId, after: cursor }, ({ kind, sessionId: changed, version = 0 }) => {
      if (changed !== sessionId || (kind === 'upserted' && version <= known.current.last && !isGone)) return;
      isGone ||= kind === 'removed';
      isDue = true;
      tellSoon();
    }, isOpen => setState(isOpen ? 'open' : 'broken'));
    document.addEventListener('visibilitychange', look);
    return () => {
      stop();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [testId, sessionId, cursor, isPaused]);
  return { state, toggle: () => setPaused(paused => !paused) };
}
