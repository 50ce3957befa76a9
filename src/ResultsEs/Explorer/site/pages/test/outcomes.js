// @ts-check
import { labelledBars } from './bars.js';
import { bad, outcomeColours } from './colours.js';
import { counted, percent, sum, words } from './picture.js';
import { stackedBars } from './stacks.js';

/** @typedef {{outcome: string|null, count: number}} Outcome */

const order = ['SUCCESS', 'FAILURE', 'UNKNOWN', 'SKIPPED'];

/**
 * Outcomes of a URL or Figma task. An answer without one is unknown.
 * @param {Outcome[]} outcomes @param {number} skipped @returns {import('./picture.js').Picture}
 */
export const outcomePicture = (outcomes, skipped) => {
  const counts = new Map(order.map(name => [name, 0]));
  for (const { outcome, count } of outcomes) {
    const name = outcome !== null && counts.has(outcome) ? outcome : 'UNKNOWN';
    counts.set(name, (counts.get(name) ?? 0) + count);
  }

  counts.set('SKIPPED', (counts.get('SKIPPED') ?? 0) + skipped);
  const parts = [...counts].map(([name, count]) => ({ label: words(name), count }));
  const total = sum(parts.map(part => part.count));
  return {
    name: 'outcomes',
    title: 'Outcomes',
    description: `Of ${counted(total, 'session')}: ${parts.map(part => `${part.label.toLowerCase()} ${part.count}`).join(', ')}.`,
    spec: stackedBars([{ label: '', parts }], order.map(name => outcomeColours[name])),
    columns: [
      { key: 'outcome', title: 'Outcome' },
      { key: 'sessions', title: 'Sessions', isNumber: true },
      { key: 'percent', title: 'Percent', isNumber: true },
    ],
    rows: parts.map(part => ({ outcome: part.label, sessions: part.count, percent: percent(part.count, total) })),
  };
};

/** @param {{nodeId: string, count: number}[]} misclicks @returns {import('./picture.js').Picture} */
export const misclickPicture = misclicks => {
  const rows = [...misclicks].sort((a, b) => b.count - a.count).map(({ nodeId, count }) => ({ node: nodeId, misclicks: count }));
  return {
    name: 'misclicks',
    title: 'Misclicks, by the node they fell on',
    description: `${counted(sum(rows.map(row => row.misclicks)), 'misclick')} on ${counted(rows.length, 'node')}.`,
    spec: labelledBars(
      rows.map(row => ({ label: `Node ${row.node}`, value: row.misclicks, text: row.misclicks.toLocaleString('en') })),
      { max: Math.max(1, ...rows.map(row => row.misclicks)), colours: [bad] },
    ),
    columns: [
      { key: 'node', title: 'Node' },
      { key: 'misclicks', title: 'Misclicks', isNumber: true },
    ],
    rows,
  };
};
