// @ts-check
// The ways that participants took, the most frequent first.
import { Download, Table, csvOf, html } from '../../ui.js';
import { counted, percentText, sum } from './picture.js';

/** Steps that are shown before a path is cut; all are in the CSV. */
const maxSteps = 12;

/**
 * @param {{name: string, paths: {path: string[], count: number}[], otherPaths: number, noun: string}} props
 *   `otherPaths`: the sessions whose path is not in the list
 */
export function Paths({ name, paths, otherPaths, noun }) {
  const total = sum(paths.map(path => path.count)) + otherPaths;
  if (total === 0)
    return html`<p class="quiet">No ${noun} was recorded.</p>`;
  const origin = originOf(paths.flatMap(({ path }) => path));
  const rows = [
    ...paths.map(({ path, count }) => ({ path: path.join(' → '), steps: path, sessions: count, percent: percentText(count, total) })),
    ...(otherPaths > 0 ? [{ path: 'Other paths', steps: null, sessions: otherPaths, percent: percentText(otherPaths, total) }] : []),
  ];
  /** @type {import('../../ui.js').Column[]} */
  const columns = [
    {
      key: 'path',
      title: 'Path',
      value: row => (row.steps ? html`<${Steps} steps=${row.steps} origin=${origin} noun=${noun} />` : row.path),
    },
    { key: 'sessions', title: 'Sessions', isNumber: true },
    { key: 'percent', title: 'Percent', isNumber: true },
  ];
  return html`<div class="figure paths" data-name="${name}-paths">
    <h4 class="figure-title">Most frequent paths</h4>
    <p class="quiet small">${counted(total, 'session')} with a path${origin && `, on ${origin}`}.</p>
    <${Table} caption="Most frequent paths" isCaptionHidden columns=${columns} rows=${rows} />
    <${Download} name="${name}-paths" csv=${() => csvOf(columns, rows)} />
  </div>`;
}

/** The origin that all URLs share; nothing where there is none. @param {string[]} steps */
export function originOf(steps) {
  const origins = new Set(steps.map(step => (/^https?:\/\/[^/?#]+/i.exec(step) ?? [''])[0]));
  return origins.size === 1 ? [...origins][0] : '';
}

/** @param {{steps: string[], origin: string, noun: string}} props */
const Steps = ({ steps, origin, noun }) => steps.length === 0
  ? html`<span class="quiet">No ${noun}</span>`
  : html`<ol class="steps">
    ${steps.slice(0, maxSteps).map(step => html`<li title=${step}>${step.slice(origin.length) || step}</li>`)}
    ${steps.length > maxSteps && html`<li class="quiet">and ${steps.length - maxSteps} more</li>`}
  </ol>`;
