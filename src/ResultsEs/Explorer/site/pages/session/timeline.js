// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { html } from '../../ui.js';
import { eventTitle } from './words.js';

/** The shortest time between two entries of the page's address while the slider moves, in milliseconds: browsers count them. */
const BETWEEN_MS = 400;

/**
 * The slider through time, from the first event to the newest. It moves at once; the page follows.
 * @param {{ version: number, last: number, isNewest: boolean, event: any, onChoose: (version: number) => void,
  *   isLoading: boolean }} props
 */
export function Timeline({ version, last, isNewest, event, onChoose, isLoading }) {
  const [at, setAt] = useState(version);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  const told = useRef(0);
  useEffect(() => setAt(version), [version]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const choose = (/** @type {number} */ next) => {
    setAt(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      told.current = performance.now();
      onChoose(next);
    }, Math.max(0, told.current + BETWEEN_MS - performance.now()));
  };

  const title = at === version && event?.sessionversion === at ? eventTitle(event) : '';
  return html`<div class="session-timeline">
    <label for="session-slider">${isNewest && at === last ? 'As it is now, after' : 'As it was after'} event <strong>${at}</strong> of ${last}</label>
    <input id="session-slider" type="range" min="1" max=${last} step="1" value=${at}
      aria-valuetext=${`Event ${at} of ${last}${title && `: ${title}`}`}
      onInput=${(/** @type {any} */ e) => choose(Number(e.currentTarget.value))} />
    <div class="session-buttons">
      <button type="button" disabled=${at <= 1} onClick=${() => choose(at - 1)}>Previous event</button>
      <button type="button" disabled=${at >= last} onClick=${() => choose(at + 1)}>Next event</button>
      <button type="button" disabled=${isNewest && at === last} onClick=${() => choose(last)}>Newest</button>
      <span class="quiet" aria-hidden="true">${isLoading && 'Loading …'}</span>
    </div>
  </div>`;
}
