// @ts-check
import { counted } from '../test/picture.js';

/**
 * An answer in a line.
 * @param {string} type a task type, such as `RATING_SCALE`
 * @param {any} payload what stands under its key
 * @returns {string}
 */
export function answerWords(type, payload) {
  switch (type) {
    case 'BLANK': return 'read';
    case 'WRITTEN': case 'VERBAL': return payload.text ? `“${payload.text}”` : 'spoken; its transcript is not in yet';
    case 'RATING_SCALE': return `${payload.value} (${payload.min} to ${payload.max})`;
    case 'NPS': return `${payload.score} of 10`;
    case 'MULTIPLE_CHOICE': return chosenOf(payload).join(', ') || 'nothing chosen';
    case 'RANK_ORDER':
      return [...payload.ranking].sort((one, other) => one.rank - other.rank).map(({ rank, text }) => `${rank}. ${text}`).join(', ');
    case 'MATRIX': return payload.rows.map((/** @type {any} */ row) => `${row.label}: ${selectionsOf(row)}`).join(', ');
    case 'URL': return [outcomeWords(payload.outcome), payload.finalUrl ?? payload.url].join(', ');
    case 'IMAGE': return counted(payload.annotations.length, 'annotation');
    case 'FIGMA':
      return [
        outcomeWords(payload.outcome), payload.interactionCount === undefined ? '' : counted(payload.interactionCount, 'interaction'),
      ].filter(Boolean).join(', ') || payload.figmaPrototypeTitle || payload.prototypeUrl;
    default: return 'an answer of a type that this version does not know';
  }
}

/** What was chosen of a multiple choice, the participant's own words last. */
export const chosenOf = (/** @type {any} */ { options, otherText }) => [
  ...options.filter((/** @type {any} */ option) => option.selected).map((/** @type {any} */ option) => option.text),
  ...(otherText ? [`“${otherText}”`] : []),
];

/** What was chosen in a row of a matrix. */
export const selectionsOf = (/** @type {any} */ { selections }) =>
  selections.map(selectionOf).join(', ') || 'nothing chosen';

const selectionOf = (/** @type {any} */ { label, value }) => (value === undefined || value === null ? label : `${label} (${value})`);

const outcomeWords = (/** @type {string | undefined} */ outcome) =>
  ({ SUCCESS: 'success', FAILURE: 'failure', UNKNOWN: 'outcome unknown' })[outcome ?? ''] ?? '';
