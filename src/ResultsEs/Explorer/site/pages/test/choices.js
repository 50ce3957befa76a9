// @ts-check
import { accent, neutral } from './colours.js';
import { labelledBars } from './bars.js';
import { counted, percent, percentText } from './picture.js';

/** @typedef {{multiSelect: boolean, options: {id: string, text: string, count: number}[], other: number}} MultipleChoice */

/** How many options a participant may choose, in words. @param {MultipleChoice} choice */
export const selectText = choice => (choice.multiSelect ? 'Several could be chosen (multi-select)' : 'One could be chosen');

/** @param {MultipleChoice} choice @param {number} answered @returns {import('./picture.js').Picture} */
export const choicePicture = (choice, answered) => {
  // One of several is often a scale, whose order says something.
  const options = choice.multiSelect ? [...choice.options].sort((a, b) => b.count - a.count) : choice.options;
  const rows = [
    ...options.map(option => ({ option: option.text, answers: option.count, percent: percent(option.count, answered) })),
    ...(choice.other > 0 ? [{ option: 'In their own words', answers: choice.other, percent: percent(choice.other, answered) }] : []),
  ];
  return {
    name: 'choices',
    title: 'Answers by option',
    description: choice.multiSelect
      ? `How many of ${counted(answered, 'answer')} chose each option. Several could be chosen: shares may add up to more than 100 %.`
      : `How many of ${counted(answered, 'answer')} chose each option.`,
    spec: labelledBars(
      rows.map(row => ({
        label: row.option,
        value: row.answers,
        text: `${row.answers.toLocaleString('en')} (${percentText(row.answers, answered)})`,
      })),
      { max: Math.max(1, answered), colours: rows.map((_, index) => (index < options.length ? accent : neutral)) },
    ),
    columns: [
      { key: 'option', title: 'Option' },
      { key: 'answers', title: 'Answers', isNumber: true },
      { key: 'percent', title: 'Percent of answers', isNumber: true },
    ],
    rows,
  };
};
