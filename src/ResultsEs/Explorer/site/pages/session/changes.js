// @ts-check
import { Badge, html } from '../../ui.js';
import { tasksOf } from './difference.js';
import { goToTask } from './pieces.js';
import { cut, eventHint, pathWords, valueWords } from './words.js';

/** @typedef {import('./difference.js').Difference} Difference */

/** How many differences are listed at most. */
const MOST = 50;

/** @type {Record<Difference['kind'], string>} */
const KINDS = { added: 'Added', changed: 'Changed', removed: 'Removed', moved: 'In another order' };

/** @type {Record<Difference['kind'], string>} */
const COLOURS = { added: 'good', changed: 'busy', removed: 'bad', moved: 'plain' };

/**
 * What an event changed in the result, in plain words.
 * @param {{ moment: import('./use-versions.js').Moment }} props
 */
export function Changes({ moment: { result, event, differences } }) {
  if (result === null) return html`<p class="quiet">There is no result yet: the session's start was stored later.</p>`;
  if (differences.length === 0)
    return html`<p class="quiet">
      ${event === null ? 'An event that counts elsewhere.' : `It changed nothing of the result.${eventHint(event)}`}
    </p>`;
  return html`<ul class="session-differences" tabindex="0" aria-label="What the event changed">
    ${groupsOf(differences.slice(0, MOST)).map(({ words, taskId, all }, place) => html`<li key=${place}>
      ${words && html`<strong>${words}</strong>`}
      <ul>${all.map((difference, index) => html`<li key=${index}><${Change} difference=${difference}
        isOfGroup=${words !== ''} /></li>`)}</ul>
      ${taskId && html`<button type="button" class="link" onClick=${() => goToTask(taskId)}>Go to the task</button>`}
    </li>`)}
    ${differences.length > MOST && html`<li>and ${differences.length - MOST} more</li>`}
  </ul>`;
}

/**
 * Differences within the same item of a list, together under its words.
 * @param {Difference[]} differences
 */
function groupsOf(differences) {
  /** @type {{ words: string, taskId?: string, all: Difference[] }[]} */
  const groups = [];
  for (const difference of differences) {
    const words = typeof difference.path[1] === 'object' && difference.path.length > 2 ? pathWords(difference.path.slice(0, 2)) : '';
    const [taskId] = difference.kind === 'removed' && words === '' ? [] : tasksOf([difference]);
    const group = groups.at(-1);
    if (group && group.words === words && group.taskId === taskId) group.all.push(difference);
    else groups.push({ words, taskId, all: [difference] });
  }
  return groups;
}

/** @param {{ difference: Difference, isOfGroup: boolean }} props */
function Change({ difference: { kind, path, before, after }, isOfGroup }) {
  const isThere = (/** @type {any} */ value) => value !== undefined && value !== null;
  return html`<${Badge} kind=${COLOURS[kind]}>${KINDS[kind]}</${Badge}> <span
    class="session-where">${pathWords(isOfGroup ? path.slice(2) : path)}</span>
    ${kind !== 'moved' && html`<span class="session-values">
      ${isThere(before) && html`<span class="hidden">Was:</span> <del>${cut(valueWords(before, path), 300)}</del>`}${' '}
      ${isThere(after) && html`<span class="hidden">Is:</span> <ins>${cut(valueWords(after, path), 300)}</ins>`}
    </span>`}`;
}
