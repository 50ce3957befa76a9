// @ts-check
import { inkOn, neutral } from './colours.js';
import { numberText, percentText, sum } from './picture.js';

/**
 * Bars of equal length, each split into parts by their shares, with the counts inside and the bar's label above.
 * @param {{label: string, parts: {label: string, count: number}[]}[]} bars all with the same parts, in the same order
 * @param {string[]} colours of the parts
 */
export const stackedBars = (bars, colours) => {
  const parts = bars[0]?.parts.map(part => part.label) ?? [];
  const values = bars.flatMap((bar, index) => segmentsOf(bar.parts, colours).map(segment => ({ bar: index, ...segment })));
  const hasLabels = bars.some(bar => bar.label !== '');
  return {
    data: { values },
    height: { step: hasLabels ? 58 : 44 },
    encoding: { y: { field: 'bar', type: 'ordinal', axis: null, scale: { paddingInner: 0, paddingOuter: 0 } } },
    layer: [
      {
        mark: { type: 'bar', height: 28, yOffset: hasLabels ? 8 : 0, stroke: neutral, strokeWidth: 0.5 },
        encoding: {
          x: { field: 'from', type: 'quantitative', scale: { domain: [0, 1], nice: false }, axis: null },
          x2: { field: 'to' },
          color: {
            field: 'part',
            type: 'nominal',
            scale: { domain: parts, range: colours },
            legend: legendOf(parts),
          },
          tooltip: { field: 'tooltip' },
          description: { field: 'tooltip' },
        },
      },
      {
        transform: [{ filter: 'datum.to - datum.from >= 0.04' }],
        mark: { type: 'text', yOffset: hasLabels ? 8 : 0, fontWeight: 600, aria: false },
        encoding: {
          x: { field: 'middle', type: 'quantitative' },
          text: { field: 'count', type: 'quantitative', format: ',' },
          color: { field: 'ink', type: 'nominal', scale: null },
        },
      },
      ...(hasLabels ? [labelsAbove(bars.map((bar, index) => ({ bar: index, label: bar.label })), 20)] : []),
    ],
  };
};

/**
 * Labels above the bars of a chart, at their left, cut at the chart's width.
 * @param {{bar: number, label: string}[]} values @param {number} rise above the middle of the bar's band, px
 */
export const labelsAbove = (values, rise) => ({
  data: { values },
  mark: { type: 'text', align: 'left', baseline: 'middle', yOffset: -rise, limit: { expr: 'width' }, aria: false },
  encoding: {
    x: { value: 0 },
    text: { field: 'label' },
    tooltip: { field: 'label' },
  },
});

/** A legend above the picture, in as many columns as fit. @param {string[]} labels */
export const legendOf = labels => {
  const width = Math.min(220, 34 + 7 * Math.max(0, ...labels.map(label => label.length)));
  return {
    title: null,
    orient: 'top',
    direction: 'horizontal',
    columns: { expr: `max(1, floor(width / ${width}))` },
    labelLimit: width - 26,
    symbolType: 'square',
  };
};

/** @param {{label: string, count: number}[]} parts @param {string[]} colours */
const segmentsOf = (parts, colours) => {
  const total = sum(parts.map(part => part.count));
  let before = 0;
  return parts.map((part, index) => {
    const from = total === 0 ? 0 : before / total;
    before += part.count;
    const to = total === 0 ? 0 : before / total;
    return {
      part: part.label,
      count: part.count,
      from,
      to,
      middle: (from + to) / 2,
      ink: inkOn(colours[index]),
      tooltip: `${part.label}: ${numberText(part.count)} (${percentText(part.count, total)})`,
    };
  });
};
