// @ts-check
import { Badge, durationText, html } from '../../ui.js';
import { Answer } from './answers.js';
import { clock, say, sayType } from './words.js';

/**
 * The tasks in the order of the test's plan, each with its answer. Those that the shown event touched are marked.
 * @param {{ result: any, kinds: Map<string, { type: string, reason?: string }>, changed: Set<string>,
 *   jump: ((ms: number) => void) | null, isNewest: boolean }} props
 */
export function Tasks({ result, kinds, changed, jump, isNewest }) {
  return html`<section aria-labelledby="tasks">
    <h2 id="tasks">Tasks</h2>
    ${result.tasks.length === 0
      ? html`<p class="card quiet">No task has been answered at this point.</p>`
      : html`<ol class="session-tasks">
          ${result.tasks.map((/** @type {any} */ task, /** @type {number} */ index) => html`<${Task} key=${task.uuid} task=${task}
            number=${index + 1} kind=${kinds.get(task.uuid)} isChanged=${changed.has(task.uuid)} sessionId=${result.sessionId}
            jump=${jump} isNewest=${isNewest} />`)}
        </ol>`}
  </section>`;
}

/**
 * @param {{ task: any, number: number, kind: { type: string, reason?: string } | undefined, isChanged: boolean, sessionId: string,
 *   jump: ((ms: number) => void) | null, isNewest: boolean }} props
 */
function Task({ task, number, kind, isChanged, sessionId, jump, isNewest }) {
  const { startTimeMs, endTimeMs, skipped, answer } = task.response;
  const isSpoken = kind?.type === 'VERBAL' || answer?.written?.cues || answer?.written?.text === null;
  return html`<li class=${isChanged ? 'card session-task is-changed' : 'card session-task'} id=${`task-${task.uuid}`} tabindex="-1">
    <p class="session-eyebrow">
      <span>Task ${number}</span> <span>${sayType(isSpoken ? 'VERBAL' : task.type)}</span>
      <span>${endTimeMs === startTimeMs ? clock(startTimeMs)
        : `${clock(startTimeMs)}–${clock(endTimeMs)}, ${durationText(endTimeMs - startTimeMs)}`}</span>
      ${isChanged && html`<${Badge} kind="busy">Changed by this event</${Badge}>`}
      ${jump && html`<button type="button" class="link" onClick=${() => jump(startTimeMs)}
        aria-label=${`Play from here, task ${number}`}><span aria-hidden="true">▶ </span>Play from here</button>`}
    </p>
    <h3>${task.text}</h3>
    ${skipped
      ? html`<p><${Badge}>Skipped</${Badge}>${kind?.reason && ` ${say(kind.reason)}`}</p>`
      : html`<${Answer} answer=${answer} sessionId=${sessionId} taskId=${task.uuid} jump=${jump} isNewest=${isNewest} />`}
  </li>`;
}
