// @ts-check
import { labelledBars } from './bars.js';
import { accent, good, neutral } from './colours.js';
import { numberText } from './picture.js';

/**
 * @typedef {object} QxScore
 * @property {string} taskGroupId
 * @property {string | null} label
 * @property {number | null} qxScore
 * @property {{behavioral: number | null, attitudinal: number | null}} components
 * @property {{behavioral: number[] | null, usability: number | null, trust: number | null, appearance: number | null,
 *   loyalty: number | null}} values
 */

/** A QX score with its parts; each from 0 to 100. @param {QxScore} score @returns {import('./picture.js').Picture} */
export const qxPicture = score => {
  const behavioral = score.values.behavioral ?? [];
  /** @type {[string, number|null, string][]} */
  const parts = [
    ['QX score', score.qxScore, good],
    ['Behavioral', score.components.behavioral, accent],
    ...behavioral.map((value, index) => /** @type {[string, number|null, string]} */ ([`Behavioral: task ${index + 1}`, value, neutral])),
    ['Attitudinal', score.components.attitudinal, accent],
    ['Attitudinal: usability', score.values.usability, neutral],
    ['Attitudinal: trust', score.values.trust, neutral],
    ['Attitudinal: appearance', score.values.appearance, neutral],
    ['Attitudinal: loyalty', score.values.loyalty, neutral],
  ];
  const known = parts.filter(([, value]) => value !== null);
  return {
    name: 'qx-score',
    title: score.label || 'QX score',
    description: score.qxScore === null
      ? 'There is no score yet.'
      : `${numberText(score.qxScore)} of 100: of ${score.components.behavioral === null ? '' : 'what participants did (behavioral) and '}`
        + 'what they said (attitudinal).',
    spec: labelledBars(
      known.map(([label, value]) => ({ label, value: Number(value), text: numberText(Number(value)) })),
      { max: 100, colours: known.map(([, , colour]) => colour) },
    ),
    columns: [
      { key: 'part', title: 'Part' },
      { key: 'score', title: 'Score (0–100)', isNumber: true },
    ],
    rows: parts.map(([part, value]) => ({ part, score: value })),
  };
};
