// @ts-check
// Written and spoken answers, to read and to search in.
import { More, SearchField, usePages } from '../../lists.js';
import { setQuery } from '../../router.js';
import { DateTime, Download, Loading, Problem, Status, csvOf, durationText, html } from '../../ui.js';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'sessionId', title: 'Session' },
  { key: 'status', title: 'Status' },
  { key: 'startTime', title: 'Started' },
  { key: 'durationMs', title: 'Milliseconds', isNumber: true },
  { key: 'text', title: 'Answer', text: row => row.answer?.text ?? '' },
];

/** What is searched for in a task's answers, by `answers=TASK:TEXT` of the address. @param {string[]} searches @param {string} taskId */
const searchOf = (searches, taskId) => searches.find(one => one.startsWith(`${taskId}:`))?.slice(taskId.length + 1) ?? '';

/** The first task in whose answers something is searched for. @param {string[]} searches @param {{task: any}[]} tasks */
export const soughtOf = (searches, tasks) => tasks.find(({ task }) => searchOf(searches, task.taskId))?.task.taskId;

/** @param {import('./task.js').TaskPart} props */
export function Answers({ summary, name, path, params, revision, searches }) {
  const q = searchOf(searches, summary.taskId);
  /** @param {string} text */
  const setSearch = text => setQuery({
    answers: [...searches.filter(one => !one.startsWith(`${summary.taskId}:`)), ...(text ? [`${summary.taskId}:${text}`] : [])],
    // The way back leads to all answers, not from letter to letter.
  }, { replace: q !== '' });
  const list = usePages(`${path}/answers`, { ...params, q, limit: 20 }, 'answers', revision);
  const answers = list.items.filter(answer => !answer.skipped);
  return html`<div class="answers" data-name="${name}-answers">
    <${SearchField} label="Search in these answers" value=${q} onSearch=${setSearch} />
    <${Problem} problem=${list.problem} reload=${list.reload} />
    ${!list.isLoaded && !list.problem && html`<${Loading} />`}
    <p class="hidden" role="status">${q && list.isLoaded && !list.isLoading
      ? `${answers.length}${list.hasMore ? ' and more' : ''} found` : ''}</p>
    ${list.isLoaded && answers.length === 0 && !list.hasMore
      && html`<p class="empty">${q ? html`No answer has “${q}”.` : 'No answer yet.'}</p>`}
    <ul class="bare quotes" aria-label="Answers to “${summary.text}”">${answers.map(answer => html`<li key=${answer.sessionId}>
      <blockquote>${answer.answer?.text
        ? html`<${Marked} text=${answer.answer.text} q=${q} />`
        : html`<span class="quiet">Its transcript has not arrived yet.</span>`}</blockquote>
      <p class="row quiet small"><a href="/sessions/${answer.sessionId}">Session of <${DateTime} value=${answer.startTime} /></a>
        <${Status} value=${answer.status} />${answer.durationMs !== null && html`<span>${durationText(answer.durationMs)}</span>`}</p>
    </li>`)}</ul>
    ${(answers.length > 0 || list.hasMore)
      && html`<${More} list=${list} shown=${answers.length} noun=${answers.length === 1 ? 'answer' : 'answers'} />`}
    ${answers.length > 0 && html`<${Download} name="${name}-answers" label="Download the answers shown as CSV"
      csv=${() => csvOf(columns, answers)} />`}
  </div>`;
}

/** Text in which what was searched for is marked. @param {{text: string, q: string}} props */
function Marked({ text, q }) {
  if (!q)
    return text;
  const parts = text.split(new RegExp(`(${q.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')})`, 'giu'));
  return parts.map((part, index) => (index % 2 === 1 ? html`<mark>${part}</mark>` : part));
}
