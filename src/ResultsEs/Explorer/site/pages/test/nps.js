// @ts-check
import { bad, good, neutral } from './colours.js';
import { counted, percent, percentText } from './picture.js';
import { stackedBars } from './stacks.js';

/**
 * @typedef {{score: number, promoters: number, passives: number, detractors: number,
 *   distribution: {score: number, count: number}[]}} Nps
 */

/** A Net Promoter Score with its sign: `+42`, `−7`, `0`. @param {number} score */
export const scoreText = score => (score > 0 ? `+${score}` : score < 0 ? `−${-score}` : '0');

/** @param {Nps} nps @returns {import('./picture.js').Picture[]} */
export const npsPictures = nps => [groups(nps), distribution(nps)];

/** @param {Nps} nps @returns {import('./picture.js').Picture} */
const groups = nps => {
  const parts = [
    { label: 'Detractors (0–6)', count: nps.detractors },
    { label: 'Passives (7–8)', count: nps.passives },
    { label: 'Promoters (9–10)', count: nps.promoters },
  ];
  const total = nps.detractors + nps.passives + nps.promoters;
  return {
    name: 'net-promoter-score',
    title: 'Promoters to detractors',
    description: `Of ${counted(total, 'answer')}: `
      + `${parts.map(({ label, count }) => `${label.toLowerCase()} ${percentText(count, total)}`).join(', ')}.`,
    spec: stackedBars([{ label: '', parts }], [bad, neutral, good]),
    columns: [
      { key: 'group', title: 'Group' },
      { key: 'answers', title: 'Answers', isNumber: true },
      { key: 'percent', title: 'Percent', isNumber: true },
    ],
    rows: parts.map(part => ({ group: part.label, answers: part.count, percent: percent(part.count, total) })),
  };
};

/** @param {Nps} nps @returns {import('./picture.js').Picture} */
const distribution = nps => {
  const total = nps.detractors + nps.passives + nps.promoters;
  const rows = nps.distribution.map(({ score, count }) => ({ score, answers: count, percent: percent(count, total) }));
  return {
    name: 'scores',
    title: 'Answers by score',
    description: `How many of ${counted(total, 'answer')} gave each score from 0 to 10.`,
    spec: {
      data: { values: rows.map(row => ({ ...row, tooltip: `${row.score}: ${counted(row.answers, 'answer')} (${row.percent} %)` })) },
      height: 140,
      encoding: {
        x: { field: 'score', type: 'ordinal', axis: { title: 'Score', labelAngle: 0, ticks: false } },
        y: {
          field: 'answers',
          type: 'quantitative',
          axis: null,
          // Room for the count above the highest bar.
          scale: { domain: [0, Math.max(1, ...rows.map(row => row.answers)) * 1.15], nice: false },
        },
      },
      layer: [
        {
          mark: { type: 'bar', cornerRadiusEnd: 2 },
          encoding: {
            color: { condition: [{ test: 'datum.score > 8', value: good }, { test: 'datum.score > 6', value: neutral }], value: bad },
            tooltip: { field: 'tooltip' },
            description: { field: 'tooltip' },
          },
        },
        {
          transform: [{ filter: 'datum.answers > 0' }],
          mark: { type: 'text', baseline: 'bottom', dy: -3, aria: false },
          encoding: { text: { field: 'answers', type: 'quantitative', format: ',' } },
        },
      ],
    },
    columns: [
      { key: 'score', title: 'Score', isNumber: true },
      { key: 'answers', title: 'Answers', isNumber: true },
      { key: 'percent', title: 'Percent', isNumber: true },
    ],
    rows,
  };
};
