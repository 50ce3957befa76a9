// @ts-check
import { labelledBars } from './bars.js';
import { bad, outcomeColours } from './colours.js';
import { counted, percent, sum, words } from './picture.js';
import { stackedBars } from './stacks.js';

/** @typedef {{outcome: string, count: number}} Outcome */

const order = ['SUCCESS', 'FAILURE', 'UNKNOWN'];

/**
 * Outcomes of a URL or Figma task. An answer may tell none.
 * @param {Outcome[]} outcomes @param {number} answered @param {number} skipped @returns {import('./picture.js').Picture}
 */
export const outcomePicture = (outcomes, answered, skipped) => {
  const told = new Map(outcomes.map(({ outcome, count }) => [outcome, count]));
  const untold = answered - sum(outcomes.map(({ count }) => count));
  const parts = [
    ...order.map(name => ({ name, label: words(name), count: told.get(name) ?? 0 })),
    ...(untold > 0 ? [{ name: 'UNTOLD', label: 'Not told', count: untold }] : []),
    { name: 'SKIPPED', label: 'Skipped', count: skipped },
  ];
  const total = sum(parts.map(part => part.count));
  return {
    name: 'outcomes',
    title: 'Outcomes',
    description: `Of ${counted(total, 'session')}: ${parts.map(part => `${part.label.toLowerCase()} ${part.count}`).join(', ')}.`,
    spec: stackedBars([{ label: '', parts }], parts.map(part => outcomeColours[part.name])),
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
