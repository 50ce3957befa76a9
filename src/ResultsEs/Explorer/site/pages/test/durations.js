// @ts-check
import { durationText } from '../../ui.js';
import { accent } from './colours.js';
import { counted } from './picture.js';

/**
 * Times in milliseconds.
 * @typedef {{count: number, min: number, p25: number, median: number, p75: number, p95: number, max: number, mean: number}} Durations
 */

/** @param {Durations} times @returns {import('./picture.js').Picture} */
export const durationPicture = times => {
  const rows = [
    { figure: 'Shortest', milliseconds: times.min },
    { figure: '25 % are shorter', milliseconds: times.p25 },
    { figure: 'Median', milliseconds: times.median },
    { figure: 'Mean', milliseconds: times.mean },
    { figure: '75 % are shorter', milliseconds: times.p75 },
    { figure: '95 % are shorter', milliseconds: times.p95 },
    { figure: 'Longest', milliseconds: times.max },
  ];
  return {
    name: 'times',
    title: 'Time on the task',
    description: `Median ${durationText(times.median)} of ${counted(times.count, 'session')}; half of them from `
      + `${durationText(times.p25)} to ${durationText(times.p75)}, all from ${durationText(times.min)} to ${durationText(times.max)}.`,
    spec: specOf(times),
    columns: [
      { key: 'figure', title: 'Figure' },
      { key: 'time', title: 'Time' },
      { key: 'milliseconds', title: 'Milliseconds', isNumber: true },
    ],
    rows: rows.map(({ figure, milliseconds }) => ({ figure, time: durationText(milliseconds), milliseconds: Math.round(milliseconds) })),
  };
};

/**
 * A box from the 25th to the 75th percentile with the median, whiskers to the shortest and the 95th percentile, and a ring at the longest.
 * One that stayed for hours would flatten the box: such a longest time stands at the edge, with an arrow.
 * @param {Durations} times
 */
const specOf = times => {
  const isFar = times.max > 3 * times.p95;
  const edge = Math.max(isFar ? times.p95 * 1.3 : times.max * 1.02, 1);
  const isLong = edge >= 180_000;
  const unit = isLong ? 60_000 : 1000;
  const x = {
    type: 'quantitative',
    scale: { domain: [0, edge / unit], nice: false, zero: true },
    axis: { title: isLong ? 'Minutes' : 'Seconds', tickCount: 5, grid: false },
  };
  /** @param {string} text */
  const said = text => ({ tooltip: { value: text }, description: { value: text } });
  return {
    data: { values: [Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, ms / unit]))] },
    height: 64,
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 2, color: accent },
        encoding: {
          x: { ...x, field: 'min' }, x2: { field: 'p95' },
          ...said(`From ${durationText(times.min)} to ${durationText(times.p95)}, which 95 % do not exceed`),
        },
      },
      ...['min', 'p95'].map(field => ({
        mark: { type: 'tick', thickness: 2, size: 14, color: accent, opacity: 1, aria: false },
        encoding: { x: { ...x, field } },
      })),
      {
        mark: { type: 'bar', height: 28, color: accent, opacity: 0.45 },
        encoding: {
          x: { ...x, field: 'p25' }, x2: { field: 'p75' },
          ...said(`Half of the times are from ${durationText(times.p25)} to ${durationText(times.p75)}`),
        },
      },
      {
        mark: { type: 'tick', thickness: 4, size: 34, color: accent, opacity: 1 },
        encoding: { x: { ...x, field: 'median' }, ...said(`Median ${durationText(times.median)}`) },
      },
      isFar
        ? {
          mark: { type: 'text', align: 'right', baseline: 'top', dy: -30, text: `longest ${durationText(times.max)} →` },
          encoding: { x: { value: { expr: 'width' } } },
        }
        : {
          mark: { type: 'point', size: 40, color: accent, strokeWidth: 2 },
          encoding: { x: { ...x, field: 'max' }, ...said(`Longest ${durationText(times.max)}`) },
        },
    ],
  };
};
