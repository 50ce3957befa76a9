// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../ui.js';
import { Step } from './pieces.js';
import { eventTitle } from './words.js';

/** The shortest time between two changes of the page's address while the slider moves, in milliseconds: browsers count them. */
const BETWEEN_MS = 400;

/**
 * The slider through time, from the first event to the newest. It moves at once; the page follows.
 * @param {{ version: number, last: number, isNewest: boolean, event: any, onChoose: (version: number) => void, isLoading: boolean }} props
 */
export function Timeline({ version, last, isNewest, event, onChoose, isLoading }) {
  const [at, setAt] = useState(version);
  const timer = useRef(0);
  const told = useRef(0);
  // While the reader is ahead of the page, the slider stays with the reader.
  useEffect(() => {
    if (timer.current === 0) setAt(version);
  }, [version]);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const choose = (/** @type {number} */ next) => {
    setAt(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      told.current = performance.now();
      onChoose(next);
    }, Math.max(0, told.current + BETWEEN_MS - performance.now()));
  };

  const title = at === version && event?.sessionversion === at ? `: ${eventTitle(event)}` : '';
  return html`<div class="session-timeline">
    <label for="session-slider">
      ${isNewest && at === last ? 'As it is now, after' : 'As it was after'} event <strong>${at}</strong> of ${last}
    </label>
    <input id="session-slider" type="range" min="1" max=${last} step="1" value=${at} aria-valuetext=${`Event ${at} of ${last}${title}`}
      onInput=${(/** @type {any} */ e) => choose(Number(e.currentTarget.value))} />
    <div class="session-buttons">
      <${Step} isOff=${at <= 1} onClick=${() => choose(at - 1)}>Previous event</${Step}>
      <${Step} isOff=${at >= last} onClick=${() => choose(at + 1)}>Next event</${Step}>
      <${Step} isOff=${isNewest && at === last} onClick=${() => choose(last)}>Newest</${Step}>
      <span class="quiet" aria-hidden="true">${isLoading && 'Loading …'}</span>
    </div>
  </div>`;
}
