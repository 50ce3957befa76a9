// @ts-check

/**
 * A picture of numbers: what Vega-Lite draws, and the table behind it, which is also the CSV file.
 * @typedef {object} Picture
 * @property {string} name the file's name, without extension
 * @property {string} title
 * @property {string} description what a reader who cannot see the picture is told
 * @property {Record<string, any>} spec Vega-Lite, without width and theme
 * @property {import('../../ui.js').Column[]} columns
 * @property {Record<string, any>[]} rows
 */

/** A count and its noun: `1 answer`, `2,300 answers`. @param {number} count @param {string} one @param {string} [many] */
export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** A share of a whole in percent with one decimal, 0 of nothing. @param {number} part @param {number} whole */
export const percent = (part, whole) => (whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10);

/** @param {number} part @param {number} whole */
export const percentText = (part, whole) => `${percent(part, whole).toLocaleString('en', { maximumFractionDigits: 1 })} %`;

/** Rounds to at most two decimals. @param {number} value */
export const rounded = value => Math.round(value * 100) / 100;

/** @param {number} value */
export const numberText = value => value.toLocaleString('en', { maximumFractionDigits: 2 });

/** @param {number[]} values */
export const sum = values => values.reduce((total, value) => total + value, 0);

/** Words of an enumeration: `IN_PROGRESS` → `In progress`. @param {string} name */
export const words = name => {
  const lower = name.toLowerCase().replaceAll('_', ' ');
  return lower.charAt(0).toUpperCase() + lower.slice(1);
};

/** @type {Record<string, string>} */
const productTypes = {
  SURVEY: 'Survey',
  LIVE_CONVERSATION: 'Live conversation',
  NON_THINK_OUT_LOUD: 'Interaction test',
  THINK_OUT_LOUD: 'Think-out-loud test',
};

/** @param {string | null | undefined} type */
export const productTypeText = type => (type ? productTypes[type] ?? words(type) : '');

/** @type {Record<string, string>} */
const taskTypes = {
  NPS: 'Net Promoter Score',
  URL: 'Website task',
  FIGMA: 'Figma prototype',
  IMAGE: 'Image with annotations',
  WRITTEN: 'Written answer',
  VERBAL: 'Spoken answer',
  BLANK: 'Instruction without an answer',
};

/** @param {string} type */
export const taskTypeText = type => taskTypes[type] ?? words(type);
