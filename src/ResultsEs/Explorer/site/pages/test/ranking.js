// @ts-check
import { accent, good } from './colours.js';
import { counted, numberText, rounded, sum } from './picture.js';
import { labelsAbove } from './stacks.js';

/** @typedef {{options: {id: string, text: string, meanRank: number, ranks: {rank: number, count: number}[]}[]}} RankOrder */

/** @param {RankOrder} order @returns {import('./picture.js').Picture} */
export const rankPicture = order => {
  const options = [...order.options].sort((a, b) => a.meanRank - b.meanRank);
  const last = Math.max(options.length, ...options.flatMap(option => option.ranks.map(({ rank }) => rank)), 1);
  const ranks = Array.from({ length: last }, (_, index) => index + 1);
  return {
    name: 'ranks',
    title: 'Mean rank, and how often each rank was given',
    description: 'The best first, each with its mean rank, which the line marks. The larger a circle, the more gave that rank.',
    spec: specOf(options, last),
    columns: [
      { key: 'option', title: 'Option' },
      { key: 'mean', title: 'Mean rank', isNumber: true },
      ...ranks.map(rank => ({ key: `rank${rank}`, title: `Rank ${rank}`, isNumber: true })),
      { key: 'total', title: 'Answers', isNumber: true },
    ],
    rows: options.map(option => ({
      option: option.text,
      mean: rounded(option.meanRank),
      ...Object.fromEntries(ranks.map(rank => [`rank${rank}`, countOf(option, rank)])),
      total: sum(option.ranks.map(({ count }) => count)),
    })),
  };
};

/** @param {RankOrder['options'][number]} option @param {number} rank */
const countOf = (option, rank) => option.ranks.find(other => other.rank === rank)?.count ?? 0;

/**
 * Circles for how often each rank was given, and an upright line at the mean.
 * @param {RankOrder['options']} options @param {number} last
 */
const specOf = (options, last) => {
  const means = options.map((option, index) => ({
    bar: index,
    mean: option.meanRank,
    text: numberText(option.meanRank),
    tooltip: `${option.text}: mean rank ${numberText(option.meanRank)}`,
  }));
  const spread = options.flatMap((option, index) => option.ranks.filter(({ count }) => count > 0).map(({ rank, count }) => ({
    bar: index,
    rank,
    count,
    tooltip: `${option.text}: rank ${rank} by ${counted(count, 'participant')}`,
  })));
  const x = {
    type: 'quantitative',
    scale: { domain: [0.5, last + 0.5], nice: false, zero: false },
    axis: { title: 'Rank', values: Array.from({ length: last }, (_, index) => index + 1), format: 'd', orient: 'bottom' },
  };
  return {
    data: { values: spread },
    height: { step: 56 },
    encoding: { y: { field: 'bar', type: 'ordinal', axis: null, scale: { paddingInner: 0, paddingOuter: 0 } } },
    layer: [
      {
        mark: { type: 'circle', yOffset: 10, color: accent, opacity: 0.55 },
        encoding: {
          x: { ...x, field: 'rank' },
          size: {
            field: 'count',
            type: 'quantitative',
            scale: { domain: [0, Math.max(1, ...spread.map(({ count }) => count))], range: [20, 420] },
            legend: null,
          },
          tooltip: { field: 'tooltip' },
          description: { field: 'tooltip' },
        },
      },
      {
        data: { values: means },
        mark: { type: 'tick', yOffset: 10, thickness: 3, size: 30, color: good, opacity: 1 },
        encoding: { x: { ...x, field: 'mean' }, tooltip: { field: 'tooltip' }, description: { field: 'tooltip' } },
      },
      labelsAbove(options.map((option, index) => ({ bar: index, label: `${numberText(option.meanRank)}  ${option.text}` })), 18),
    ],
  };
};
