// @ts-check
// A test: its sessions over time, the pictures of its tasks, its QX scores, and the list of its sessions.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../api.js';
import { Figure } from '../charts.js';
import { LiveState, useLive } from '../live.js';
import { Badge, Loading, Problem, html, useLoad, useStyle, useTitle } from '../ui.js';
import { soughtOf } from './test/answers.js';
import { Contents } from './test/contents.js';
import { FilterForm, countOf, filtersOf, paramsOf } from './test/filters.js';
import { overTimePicture } from './test/overTime.js';
import { counted, productTypeText } from './test/picture.js';
import { qxPicture } from './test/qxScores.js';
import { Sessions } from './test/sessions.js';
import { Task } from './test/task.js';

/** @param {import('../ui.js').PageProps} props */
export default function Test({ params: { testId }, query }) {
  useStyle('pages/tests.css');
  useStyle('pages/test/test.css');
  const live = useLive(testId);
  const filters = filtersOf(query);
  const params = paramsOf(filters);
  const path = `/api/v3/testResults/${encodeURIComponent(testId)}/summary`;
  const { value: summary, problem, isLoading, reload } = useLoad(
    signal => live.revision === 0 ? Promise.resolve(undefined) : get(path, params, { signal }),
    [path, JSON.stringify(params), live.revision]);
  useEffect(() => {
    if (summary)
      live.loaded(stored => summary.asOf > stored);
  }, [summary]);
  const title = summary ? summary.title || `Test ${testId}` : problem?.status === 404 ? 'No such test' : 'Test';
  useTitle(title);
  return html`
    <p class="way"><a href="/">Tests</a></p>
    <div class="tests-head">
      <h1>${title}</h1>
      ${!problem && html`<${LiveState} live=${live} />`}
    </div>
    ${problem?.status === 404
      ? html`<p>There is none with the id ${testId}, or it is in a workspace that you may not see.</p>`
      : html`<${Problem} problem=${problem} reload=${reload} />`}
    ${!summary && !problem && html`<${Loading} />`}
    ${summary && html`<${Results} summary=${summary} filters=${filters} params=${params} revision=${live.revision}
      isLoading=${isLoading} searches=${query.getAll('answers')} />`}`;
}

/**
 * @param {{summary: any, filters: import('./test/filters.js').Filters, params: any, revision: number, isLoading: boolean,
 *   searches: string[]}} props
 */
function Results({ summary, filters, params, revision, isLoading, searches }) {
  const isFiltered = useRef(false);
  // On a phone they would fill the first screen.
  const [isOpen] = useState(() => countOf(filters) > 0 || matchMedia('(min-width: 46rem)').matches);
  isFiltered.current ||= countOf(filters) > 0;
  const { sessions, qxScores } = summary;
  const tasks = summary.tasks
    .map((/** @type {any} */ task, /** @type {number} */ index) => ({ task, number: index + 1 }))
    .filter((/** @type {any} */ { task }) => !filters.taskType || task.type === filters.taskType);
  // Who comes by a link to a search sees what was found.
  useEffect(() => document.getElementById(`task-${soughtOf(searches, tasks)}`)?.scrollIntoView(), []);
  return html`
    <p class="row"><${Badge}>${productTypeText(summary.productType)}</${Badge}></p>
    <details class="filter-box" open=${isOpen}>
      <summary>Filters${countOf(filters) > 0 ? ` (${countOf(filters)} set)` : ''}</summary>
      <${FilterForm} filters=${filters} summary=${summary} />
    </details>
    <p class="hidden" role="status">${isFiltered.current && !isLoading
      ? `${counted(sessions.total, 'session')} and ${counted(tasks.length, 'task')} match the filters` : ''}</p>
    <dl class="tiles" aria-busy=${isLoading ? 'true' : null}>
      <${Tile} name="Sessions" value=${sessions.total} />
      <${Tile} name="Complete" value=${sessions.complete} />
      <${Tile} name="In progress" value=${sessions.inProgress} />
      <${Tile} name="Abandoned" value=${sessions.abandoned} />
    </dl>
    <div class="test-columns">
      ${tasks.length > 1 && html`<${Contents} tasks=${tasks} />`}
      <div class="test-main">
        ${sessions.total === 0
          ? html`<p class="empty">${countOf(filters) > 0
            ? 'No session matches the filters.' : 'No session yet. What comes appears here by itself.'}</p>`
          : html`<div class="card"><${Figure} ...${overTimePicture(summary.overTime)} level=${2} /></div>`}
        ${qxScores.length > 0 && html`<section class="qx"><h2>QX scores</h2>
          <p class="quiet">Means of the completed sessions, from 0 to 100.</p>
          <div class="grid">${qxScores.map((/** @type {any} */ score, /** @type {number} */ index) =>
            html`<div class="card" key=${score.taskGroupId}>
              <${Figure} ...${qxPicture(score)} name="qx-score-${index + 1}" level=${3} />
            </div>`)}</div>
        </section>`}
        <h2 id="tasks">${filters.taskType ? 'Tasks of one type' : 'Answers by task'}</h2>
        ${tasks.length === 0 && html`<p class="empty">${filters.taskType ? 'No task of this type.' : 'No task yet.'}</p>`}
        ${tasks.map((/** @type {any} */ { task, number }) => html`<${Task} key=${task.taskId} testId=${summary.testId}
          task=${task} number=${number} params=${params} revision=${revision} searches=${searches} />`)}
        <${Sessions} testId=${summary.testId} params=${params} revision=${revision} />
      </div>
    </div>`;
}

/** @param {{name: string, value: number}} props */
const Tile = ({ name, value }) => html`<div><dt>${name}</dt><dd>${value.toLocaleString('en')}</dd></div>`;
