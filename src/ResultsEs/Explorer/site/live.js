// @ts-check
// Pages that load again when the feed of changes says that something changed.
import { useEffect, useRef, useState } from 'preact/hooks';
import { follow } from './api.js';
import { html } from './ui.js';

/** The least time between two loads, ms: a busy test must not use up the reader's requests. */
const between = 3_000;

/** How long after a change loads wait for it to be in the numbers, ms. */
const patienceWithNumbers = 60_000;

/** How long the first load waits for the stream, ms. What is loaded after its begin misses nothing. */
const patience = 500;

/**
 * @typedef {object} Live
 * @property {number} revision grows when something may have changed; 0 before the first load
 * @property {'connecting' | 'open' | 'broken' | 'paused'} state
 * @property {() => void} toggle pauses, and goes on
 * @property {(holds: (stored: string) => boolean) => void} loaded told of a load, and whether it holds what was stored at a time:
 *   numbers follow changes a moment later. Loads again where it does not
 */

/**
 * Follows changes of a test, or of all tests. Nothing is loaded again while nobody looks at the page.
 * @param {string | undefined} testId @returns {Live}
 */
export function useLive(testId) {
  const [revision, setRevision] = useState(0);
  const [state, setState] = useState(/** @type {Live['state']} */ ('connecting'));
  const [isPaused, setPaused] = useState(false);
  const isFirst = useRef(true);
  // The last change that was told of: when it was stored, as the service says, and when it was told.
  const last = useRef({ stored: '', told: 0, touch: () => {} });
  useEffect(() => {
    if (isPaused) {
      setState('paused');
      return;
    }
    let timer = 0;
    let lastLoad = -Infinity;
    let isDue = false;
    const load = () => {
      window.clearTimeout(timer);
      timer = 0;
      if (document.hidden)
        return;
      isDue = false;
      isFirst.current = false;
      lastLoad = performance.now();
      setRevision(n => n + 1);
    };
    const touch = () => {
      isDue = true;
      timer ||= window.setTimeout(load, Math.max(0, lastLoad + between - performance.now()));
    };
    const look = () => {
      if (isDue && !timer)
        touch();
    };
    if (isFirst.current)
      timer = window.setTimeout(load, patience);
    last.current.touch = touch;
    const stop = follow('/api/v3/changes/stream', { testId, after: 'now' }, change => {
      last.current.stored = change.updatedTime > last.current.stored ? change.updatedTime : last.current.stored;
      last.current.told = performance.now();
      touch();
    }, isOpen => {
      setState(isOpen ? 'open' : 'broken');
      if (!isOpen)
        return;
      window.clearTimeout(timer);
      timer = 0;
      touch();
    });
    document.addEventListener('visibilitychange', look);
    return () => {
      last.current.touch = () => {};
      stop();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [testId, isPaused]);
  return {
    revision,
    state,
    toggle: () => setPaused(paused => !paused),
    loaded: holds => {
      const { stored, told, touch } = last.current;
      if (stored && !holds(stored) && performance.now() - told < patienceWithNumbers)
        touch();
    },
  };
}

const said = {
  connecting: 'Connecting …',
  open: 'Live: updates by itself',
  broken: 'Not live: connecting again …',
  paused: 'Paused',
};

/** Whether the page updates by itself, and a button that pauses it. @param {{live: Live}} props */
export const LiveState = ({ live }) => html`<span class="live ${live.state}">
  <span class="live-dot" aria-hidden="true"></span>${said[live.state]}
  <button type="button" class="link" onClick=${live.toggle}>${live.state === 'paused' ? 'Go on' : 'Pause'}</button>
</span>`;
