// @ts-check
import { html } from '../../ui.js';
import { goToTask } from './pieces.js';
import { say } from './words.js';

/**
 * The task groups: QX scores with their parts, and in which order versions were compared. Parts and labels are those of the
 * events that are at hand; the tasks of a group are those that the test names.
 * @param {{ groups: any[], study: any, known: any[], tasks: any[] }} props
 */
export function TaskGroups({ groups, study, known, tasks }) {
  if (groups.length === 0) return null;
  return html`<section class="card" aria-labelledby="groups">
    <h2 id="groups">Task groups</h2>
    <ul class="session-groups">
      ${groups.map(({ uuid, type, response }) => html`<li key=${uuid}>
        <h3>${labelOf(uuid, known) ?? say(type)}</h3>
        ${type === 'QX_SCORE'
          ? html`<${Score} score=${response.score} told=${scoreOf(uuid, response.score, known)} />`
          : html`<p class="session-score"><strong>${[...(response.sequence ?? '')].join(' → ')}</strong> <span
            class="quiet">the order in which versions were shown</span></p>`}
        <${GroupTasks} id=${uuid} study=${study} tasks=${tasks} />
      </li>`)}
    </ul>
  </section>`;
}

/** @param {string} id @param {any[]} known */
const eventsOf = (id, known) => known.filter(({ data }) => data.taskGroupId === id);

/** @param {string} id @param {any[]} known @returns {string | undefined} */
const labelOf = (id, known) => eventsOf(id, known).findLast(({ data }) => data.label)?.data.label;

/** The data of the event of a score. @param {string} id @param {number} score @param {any[]} known */
const scoreOf = (id, score, known) => eventsOf(id, known).findLast(({ data }) => data.score === score && data.values)?.data;

/** @param {{ score: number, told: any }} props */
function Score({ score, told }) {
  const parts = told ? Object.entries({ ...told.components, ...told.values }).filter(([, value]) => typeof value === 'number') : [];
  const tasks = Array.isArray(told?.values.behavioral) ? told.values.behavioral : [];
  return html`<p class="session-score"><strong>${score}</strong> <span class="quiet">of 100, QX score</span></p>
    ${parts.length > 0 && html`<dl class="session-parts">
      ${parts.map(([name, value]) => html`<div key=${name}>
        <dt>${name}</dt>
        <dd><meter min="0" max="100" value=${value}
          aria-label=${name}>${value}</meter> ${value}${name === 'behavioral' && tasks.length > 1
          && html`<span class="quiet"> of ${tasks.join(', ')}</span>`}</dd>
      </div>`)}
    </dl>`}`;
}

/** @param {{ id: string, study: any, tasks: any[] }} props */
function GroupTasks({ id, study, tasks }) {
  const mine = (study?.tasks ?? []).filter((/** @type {any} */ task) => task.taskGroup?.id === id);
  if (mine.length === 0) return null;
  return html`<ul class="session-group-tasks">
    ${mine.map((/** @type {any} */ task) => {
      const place = tasks.findIndex(({ uuid }) => uuid === task.taskId);
      return html`<li key=${task.taskId}>${place < 0 ? task.text
        : html`<button type="button" class="link" onClick=${() => goToTask(task.taskId)}>Task ${place + 1}</button> ${task.text}`}</li>`;
    })}
  </ul>`;
}
