// @ts-check
// The sessions of a test that pass the filters, the newest first.
import { More, usePages } from '../../lists.js';
import { DateTime, Loading, Problem, Status, Table, html } from '../../ui.js';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'startTime', title: 'Session', value: row => html`<a href="/sessions/${row.sessionId}"><${DateTime} value=${row.startTime} /></a>` },
  { key: 'status', title: 'Status', value: row => html`<${Status} value=${row.status} />` },
  { key: 'answered', title: 'Tasks answered', isNumber: true },
  { key: 'audienceId', title: 'Audience', value: row => row.audienceId ? html`<span title=${row.audienceId}>${row.audienceId.slice(0, 8)}…</span>` : '–' },
  { key: 'sessionId', title: 'Id', value: row => html`<code>${row.sessionId}</code>` },
];

/** @param {{testId: string, params: Record<string, any>, revision: number}} props */
export function Sessions({ testId, params, revision }) {
  const list = usePages(`/api/v3/testResults/${encodeURIComponent(testId)}/sessions`, { ...params, limit: 25 }, 'sessions', revision);
  return html`<section class="sessions" aria-labelledby="sessions">
    <h2 id="sessions">Sessions</h2>
    <${Problem} problem=${list.problem} reload=${list.reload} />
    ${!list.isLoaded && !list.problem && html`<${Loading} />`}
    ${list.isLoaded && html`
      <${Table} caption="Sessions" isCaptionHidden columns=${columns} rows=${list.items} empty="No session." />
      ${list.items.length > 0 && html`<${More} list=${list} noun=${list.items.length === 1 ? 'session' : 'sessions'} />`}`}
  </section>`;
}
