// @ts-check
import { accent, steps } from './colours.js';
import { counted, numberText, percent, sum } from './picture.js';
import { stackedBars } from './stacks.js';

/**
 * @typedef {{min: number, max: number, minLabel: string|null, maxLabel: string|null, mean: number,
 *   distribution: {value: number, count: number}[]}} RatingScale
 * @typedef {{id: string, label: string, value: number|null, count: number}} Selection
 * @typedef {{rows: {id: string, label: string, selections: Selection[]}[]}} Matrix
 */

/** The most steps that a stacked bar shows; a finer scale is a row of columns. */
const maxSteps = 11;

/** @param {RatingScale} scale @returns {import('./picture.js').Picture} */
export const ratingPicture = scale => {
  const isWhole = isOfWholeSteps(scale);
  const values = valuesOf(scale, isWhole);
  const total = sum(values.map(({ count }) => count));
  const rows = values.map(({ value, count }) => ({ value, answers: count, percent: percent(count, total) }));
  return {
    name: 'ratings',
    title: 'Answers by rating',
    description: `How many of ${counted(total, 'answer')} gave each rating from ${ends(scale)}.`,
    spec: isWhole && values.length <= maxSteps
      ? stackedBars(
        [{ label: '', parts: values.map(({ value, count }) => ({ label: labelOf(scale, value), count })) }],
        steps(values.length))
      : columnsOf(scale, rows),
    columns: [
      { key: 'value', title: 'Rating', isNumber: true },
      { key: 'answers', title: 'Answers', isNumber: true },
      { key: 'percent', title: 'Percent', isNumber: true },
    ],
    rows,
  };
};

/** The ends of a scale, in words: `1 (Very difficult) to 5 (Very easy)`. @param {RatingScale} scale */
export const ends = scale =>
  `${end(scale.min, scale.minLabel)} to ${end(scale.max, scale.maxLabel)}`;

/** @param {Matrix} matrix @returns {import('./picture.js').Picture} */
export const matrixPicture = matrix => {
  const selections = selectionsOf(matrix);
  const bars = matrix.rows.map(row => ({
    label: row.label,
    parts: selections.map(selection => ({
      label: selection.label,
      count: sum(row.selections.filter(other => other.id === selection.id).map(other => other.count)),
    })),
  }));
  return {
    name: 'matrix',
    title: 'Answers by row',
    description: `How often ${selections.map(selection => `“${selection.label}”`).join(', ')} were chosen in each row.`,
    spec: stackedBars(bars, steps(selections.length)),
    columns: [
      { key: 'row', title: 'Row' },
      ...selections.map((selection, index) => ({ key: `selection${index}`, title: selection.label, isNumber: true })),
      { key: 'total', title: 'All', isNumber: true },
    ],
    rows: bars.map(bar => ({
      row: bar.label,
      ...Object.fromEntries(bar.parts.map((part, index) => [`selection${index}`, part.count])),
      total: sum(bar.parts.map(part => part.count)),
    })),
  };
};

/** @param {RatingScale} scale */
const isOfWholeSteps = ({ min, max, distribution }) => Number.isInteger(min) && Number.isInteger(max) && max - min < 100
  && distribution.every(({ value }) => Number.isInteger(value));

/**
 * Every step of a scale of whole steps, also those that nobody chose; of another scale the values that came.
 * @param {RatingScale} scale @param {boolean} isWhole
 */
const valuesOf = (scale, isWhole) => {
  const { min, max } = scale;
  const counts = new Map(scale.distribution.map(({ value, count }) => [value, count]));
  const all = new Set(counts.keys());
  if (isWhole) {
    for (let value = min; value <= max; value++) {
      all.add(value);
    }
  }

  return [...all].sort((a, b) => a - b).map(value => ({ value, count: counts.get(value) ?? 0 }));
};

/** @param {number} value @param {string|null} label */
const end = (value, label) => `${numberText(value)}${label ? ` (${label})` : ''}`;

/** @param {RatingScale} scale @param {number} value */
const labelOf = (scale, value) => {
  const label = value === scale.min ? scale.minLabel : value === scale.max ? scale.maxLabel : null;
  return label ? `${numberText(value)} ${label}` : numberText(value);
};

/** @param {RatingScale} scale @param {{value: number, answers: number, percent: number}[]} rows */
const columnsOf = (scale, rows) => ({
  data: {
    values: rows.map(row => ({ ...row, tooltip: `${numberText(row.value)}: ${counted(row.answers, 'answer')} (${row.percent} %)` })),
  },
  height: 140,
  mark: { type: 'bar', width: Math.max(2, Math.min(16, 300 / rows.length)), color: accent, cornerRadiusEnd: 2 },
  encoding: {
    x: {
      field: 'value',
      type: 'quantitative',
      scale: { domain: [Math.min(scale.min, rows[0].value), Math.max(scale.max, rows[rows.length - 1].value)], nice: false, padding: 10 },
      axis: { title: 'Rating', grid: false },
    },
    y: { field: 'answers', type: 'quantitative', axis: { title: 'Answers', tickMinStep: 1, tickCount: 4 } },
    tooltip: { field: 'tooltip' },
    description: { field: 'tooltip' },
  },
});

/** The choices of all rows, by value where they have one, else as they came first. @param {Matrix} matrix */
const selectionsOf = matrix => {
  /** @type {Map<string, Selection>} */
  const found = new Map();
  for (const selection of matrix.rows.flatMap(row => row.selections)) {
    const known = found.get(selection.id);
    found.set(selection.id, known && known.value != null ? known : selection);
  }

  const all = [...found.values()];
  return all.every(selection => selection.value != null) ? all.sort((a, b) => Number(a.value) - Number(b.value)) : all;
};
