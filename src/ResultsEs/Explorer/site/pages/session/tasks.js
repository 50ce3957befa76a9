// @ts-check
import { useMemo, useRef } from 'preact/hooks';
import { Badge, durationText, html } from '../../ui.js';
import { Answer } from './answers.js';
import { memo } from './pieces.js';
import { clock, say, sayType } from './words.js';

/**
 * The tasks in the order of the test's plan, each with its answer. Those that the shown event touched are marked.
 * @param {{ result: any, kinds: Map<string, { type: string, reason?: string }> | null, changed: Set<string>,
 *   jump: ((ms: number) => void) | null, isNewest: boolean }} props
 */
export function Tasks({ result, kinds, changed, jump, isNewest }) {
  const tasks = useSame(result.tasks);
  return html`<section aria-labelledby="tasks">
    <h2 id="tasks">Tasks</h2>
    ${tasks.length === 0
      ? html`<p class="card quiet">No task has been answered at this point.</p>`
      : html`<ol class="session-tasks">
          ${tasks.map((task, index) => html`<${Task} key=${task.uuid} task=${task} number=${index + 1}
            isVerbal=${kinds?.get(task.uuid)?.type === 'VERBAL'} reason=${kinds?.get(task.uuid)?.reason}
            isChanged=${changed.has(task.uuid)} sessionId=${result.sessionId} jump=${jump}
            isNewest=${isNewest || !task.response.answer?.figma} />`)}
        </ol>`}
  </section>`;
}

/**
 * The tasks, in the objects of before where they are the same, so that they are not drawn again.
 * @param {any[]} tasks
 * @returns {any[]}
 */
function useSame(tasks) {
  const known = useRef(/** @type {Map<string, { json: string, task: any }>} */ (new Map()));
  return useMemo(() => {
    const all = tasks.map(task => {
      const [json, before] = [JSON.stringify(task), known.current.get(task.uuid)];
      return before?.json === json ? before : { json, task };
    });
    known.current = new Map(all.map(one => [one.task.uuid, one]));
    return all.map(({ task }) => task);
  }, [tasks]);
}

const Task = memo((
  /** @type {{ task: any, number: number, isVerbal: boolean, reason?: string, isChanged: boolean, sessionId: string,
   *   jump: ((ms: number) => void) | null, isNewest: boolean }} */
  { task, number, isVerbal, reason, isChanged, sessionId, jump, isNewest }) => {
  const { startTimeMs, endTimeMs, skipped, answer } = task.response;
  const isSpoken = isVerbal || answer?.written?.cues || answer?.written?.text === null;
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
      ? html`<p><${Badge}>Skipped</${Badge}>${reason && ` ${say(reason)}`}</p>`
      : html`<${Answer} answer=${answer} sessionId=${sessionId} taskId=${task.uuid} jump=${jump} isNewest=${isNewest} />`}
  </li>`;
});
