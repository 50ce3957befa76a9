// @ts-check
// All tests that the reader may see, the latest activity first.
import { useEffect } from 'preact/hooks';
import { LiveState, useLive } from '../live.js';
import { More, SearchField, usePages } from '../lists.js';
import { setQuery } from '../router.js';
import { DateTime, Loading, Problem, html, useStyle, useTitle } from '../ui.js';
import { productTypeText } from './test/picture.js';

/** @param {import('../ui.js').PageProps} props */
export default function Tests({ query, session }) {
  useTitle('Tests');
  useStyle('pages/tests.css');
  const live = useLive(undefined);
  const q = query.get('q') ?? '';
  const list = usePages('/api/v3/testResults', { q, limit: 50 }, 'tests', live.revision);
  const newest = list.items[0]?.lastActivityTime;
  useEffect(() => {
    // A search may leave out the test that changed.
    if (newest && !q)
      live.loaded(stored => newest >= stored);
  }, [newest, live.revision, list.isLoading]);
  return html`
    <div class="tests-head">
      <h1>Tests</h1>
      <${LiveState} live=${live} />
    </div>
    <form class="filters" role="search" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <${SearchField} label="Search by title or id" value=${q}
        onSearch=${(/** @type {string} */ text) => setQuery({ q: text }, { replace: q !== '' })} />
    </form>
    <${Problem} problem=${list.problem} reload=${list.reload} />
    ${!list.isLoaded && !list.problem && html`<${Loading} />`}
    <p class="hidden" role="status">${list.isLoaded && !list.isLoading ? found(list.items.length, list.hasMore, q) : ''}</p>
    ${list.isLoaded && list.items.length === 0 && !list.hasMore && html`<p class="empty">${q
      ? html`No test has “${q}” in its title or id.`
      : html`There is no test yet. It appears here with its first session.`}</p>`}
    ${(list.items.length > 0 || list.hasMore) && html`
      <table class="tests" role="table" aria-label="Tests">
        <thead role="rowgroup"><tr role="row">
          <th role="columnheader" scope="col">Test</th>
          <th role="columnheader" scope="col" class="number">Sessions</th>
          <th role="columnheader" scope="col" class="number">Complete</th>
          <th role="columnheader" scope="col" class="number">In progress</th>
          <th role="columnheader" scope="col" class="number">Abandoned</th>
          <th role="columnheader" scope="col">Last activity</th>
        </tr></thead>
        <tbody role="rowgroup">${list.items.map(test =>
          html`<${Row} key="${test.testId} ${test.workspaceId}" test=${test} workspace=${workspaceOf(session, test)} />`)}</tbody>
      </table>
      <${More} list=${list} noun=${list.items.length === 1 ? 'test' : 'tests'} />`}`;
}

/** @param {number} count @param {boolean} hasMore @param {string} q */
const found = (count, hasMore, q) =>
  `${count}${hasMore ? ' and more' : ''} ${count === 1 ? 'test' : 'tests'}${q ? ` with “${q}”` : ''}`;

/** The name of a test's workspace, for those who see several. @param {import('../ui.js').Session} session @param {any} test */
const workspaceOf = (session, test) => session.workspaces.length > 1
  ? session.workspaces.find(workspace => workspace.id === test.workspaceId)?.name ?? test.workspaceId
  : '';

/** @param {{test: any, workspace: string}} props */
function Row({ test, workspace }) {
  const { total, complete, inProgress, abandoned } = test.sessions;
  /** @param {string} label @param {number} value */
  const count = (label, value) => html`<td role="cell" class="number ${value === 0 ? 'none' : ''}" data-label=${label}>
    ${value.toLocaleString('en')}</td>`;
  return html`<tr role="row">
    <th role="rowheader" scope="row">
      <a href="/tests/${test.testId}">${test.title || `Test ${test.testId}`}</a>
      <span class="quiet type">${[productTypeText(test.productType), workspace].filter(Boolean).join(', ')}</span>
    </th>
    ${count('Sessions', total)}
    ${count('Complete', complete)}
    ${count('In progress', inProgress)}
    ${count('Abandoned', abandoned)}
    <td role="cell" data-label="Last activity"><${DateTime} value=${test.lastActivityTime} /></td>
  </tr>`;
}
