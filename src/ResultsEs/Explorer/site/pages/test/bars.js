// @ts-check
import { labelsAbove } from './stacks.js';

/**
 * Horizontal bars, one under the other, with the label above and the value's text at the end of the bar.
 * @param {{label: string, value: number, text: string}[]} bars
 * @param {{max: number, colours: string[]}} options the length of the axis, and the bars' colours
 */
export const labelledBars = (bars, { max, colours }) => {
  const values = bars.map((bar, index) => ({
    bar: index,
    ...bar,
    colour: colours[index % colours.length],
    tooltip: `${bar.label}: ${bar.text}`,
  }));
  // The text at the end of the longest bar needs a place of its own.
  const room = 14 + 7 * Math.max(0, ...bars.map(bar => bar.text.length));
  const x = { type: 'quantitative', scale: { domain: [0, max || 1], range: [0, { expr: `width - ${room}` }], nice: false } };
  return {
    data: { values },
    height: { step: 46 },
    encoding: { y: { field: 'bar', type: 'ordinal', axis: null, scale: { paddingInner: 0, paddingOuter: 0 } } },
    layer: [
      {
        mark: { type: 'bar', height: 16, yOffset: 8, cornerRadiusEnd: 2 },
        encoding: {
          x: { ...x, field: 'value', axis: null },
          color: { field: 'colour', type: 'nominal', scale: null },
          tooltip: { field: 'tooltip' },
          description: { field: 'tooltip' },
        },
      },
      {
        mark: { type: 'text', align: 'left', xOffset: 6, yOffset: 8, aria: false },
        encoding: { x: { ...x, field: 'value' }, text: { field: 'text' } },
      },
      labelsAbove(values.map(({ bar, label }) => ({ bar, label })), 11),
    ],
  };
};
