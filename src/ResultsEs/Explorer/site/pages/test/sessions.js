// @ts-check
// The sessions of a test that pass the filters, the newest first.
import { useRef } from 'preact/hooks';
import { More, usePages } from '../../lists.js';
import { DateTime, Loading, Problem, Status, Table, html } from '../../ui.js';
import { useNear, useWhileNear } from './near.js';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  {
    key: 'startTime',
    title: 'Session',
    value: row => html`<a href="/sessions/${row.sessionId}"><${DateTime} value=${row.startTime} /></a>`,
  },
  { key: 'status', title: 'Status', value: row => html`<${Status} value=${row.status} />` },
  { key: 'answered', title: 'Tasks answered', isNumber: true },
  {
    key: 'audienceId',
    title: 'Audience',
    value: row => row.audienceId ? html`<span title=${row.audienceId}>${row.audienceId.slice(0, 8)}…</span>` : '–',
  },
  { key: 'sessionId', title: 'Id', value: row => html`<code>${row.sessionId}</code>` },
];

/** @param {{testId: string, params: Record<string, any>, revision: number}} props */
export function Sessions({ testId, params, revision }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const wanted = useWhileNear({ params, revision }, useNear(place)) ?? { params, revision: 0 };
  const list = usePages(
    `/api/v3/testResults/${encodeURIComponent(testId)}/sessions`, { ...wanted.params, limit: 25 }, 'sessions', wanted.revision);
  return html`<section class="sessions" aria-labelledby="sessions" ref=${place}>
    <h2 id="sessions">Sessions</h2>
    <${Problem} problem=${list.problem} reload=${list.reload} />
    ${!list.isLoaded && !list.problem && wanted.revision > 0 && html`<${Loading} />`}
    ${list.isLoaded && html`
      <${Table} caption="Sessions" isCaptionHidden columns=${columns} rows=${list.items} empty="No session." />
      ${list.items.length > 0 && html`<${More} list=${list} noun=${list.items.length === 1 ? 'session' : 'sessions'} />`}`}
  </section>`;
}
