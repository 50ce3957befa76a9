// @ts-check
import { html } from '../../ui.js';

/** The tasks that are shown, as links to their places. @param {{tasks: {task: any, number: number}[]}} props */
export const Contents = ({ tasks }) => html`<nav class="contents" aria-label="Tasks of this test">
  <h2>Tasks</h2>
  <ol class="bare">${tasks.map(({ task, number }) => html`<li key=${task.taskId}>
    <a href="#task-${task.taskId}"><span class="number">${number}.</span> <span>${task.text || 'Task without a text'}</span></a>
  </li>`)}</ol>
</nav>`;
