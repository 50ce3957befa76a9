// @ts-check
import { Badge, html } from '../../ui.js';
import { pathWords, valueWords, cut } from './words.js';

/** How many differences are listed at most. */
const MOST = 50;

/** @type {Record<import('./difference.js').Difference['kind'], string>} */
const KINDS = { added: 'Added', changed: 'Changed', removed: 'Removed', moved: 'In another order' };

/** @type {Record<import('./difference.js').Difference['kind'], string>} */
const COLOURS = { added: 'good', changed: 'busy', removed: 'bad', moved: 'plain' };

/**
 * What an event changed in the result, in plain words.
 * @param {{ moment: import('./use-versions.js').Moment }} props
 */
export function Changes({ moment: { result, event, differences } }) {
  if (result === null) return html`<p class="quiet">There is no result yet: the session's start was stored later.</p>`;
  if (differences.length === 0)
    return html`<p class="quiet">${event === null ? 'An event that counts elsewhere. It' : 'It'} changed nothing of the result.</p>`;
  return html`<ul class="session-differences">
    ${differences.slice(0, MOST).map((difference, index) => html`<li key=${index}><${Change} difference=${difference} /></li>`)}
    ${differences.length > MOST && html`<li>and ${differences.length - MOST} more</li>`}
  </ul>`;
}

/** @param {{ difference: import('./difference.js').Difference }} props */
function Change({ difference: { kind, path, before, after } }) {
  return html`<${Badge} kind=${COLOURS[kind]}>${KINDS[kind]}</${Badge}> <span class="session-where">${pathWords(path)}</span>
    ${kind !== 'moved' && html`<span class="session-values">
      ${before !== undefined && before !== null && html`<del>${cut(valueWords(before, path), 300)}</del>`}
      ${after !== undefined && after !== null && html` <ins>${cut(valueWords(after, path), 300)}</ins>`}
    </span>`}`;
}
