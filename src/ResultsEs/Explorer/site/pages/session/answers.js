// @ts-check
import { Badge, html } from '../../ui.js';
import { counted } from '../test/picture.js';
import { selectionsOf } from './answer-words.js';
import { FigmaRun } from './figma.js';
import { Picture } from './picture.js';
import { Transcript } from './transcript.js';
import { Outcome, WebAddress } from './pieces.js';
import { clock, say } from './words.js';

/**
 * What every answer is shown with.
 * @typedef {{ payload: any, sessionId: string, taskId: string, jump: ((ms: number) => void) | null, isNewest: boolean }} AnswerProps
 */

/** @type {Record<string, string>} */
const CATEGORIES = { DETRACTOR: 'bad', PASSIVE: 'busy', PROMOTER: 'good' };

/** Each type's way to show its answer, by the key under which v3 has it. @type {Record<string, (props: AnswerProps) => any>} */
const VIEWS = {
  blank: () => html`<p class="quiet">Was shown. There is nothing to answer.</p>`,

  written: ({ payload, jump }) => html`
    ${payload.text ? html`<blockquote class="session-said">${payload.text}</blockquote>`
      : html`<p class="quiet">Was spoken. Its transcript is not in yet.</p>`}
    ${payload.cues?.length > 0 && html`<details>
      <summary>${counted(payload.cues.length, 'passage')} with ${payload.cues.length === 1 ? 'its time' : 'their times'}</summary>
      <${Transcript} cues=${payload.cues} current=${-1} jump=${jump} isFollowing=${false} />
    </details>`}`,

  nps: ({ payload }) => html`<div class="session-scale">
    <${Points} from=${0} to=${10} value=${payload.score} />
    <${Badge} kind=${CATEGORIES[payload.category]}>${say(payload.category)}</${Badge}>
  </div>`,

  ratingScale: ({ payload: { value, min, max, minLabel, maxLabel } }) => html`<div class="session-scale">
    ${minLabel && html`<span>${minLabel}</span>`}
    ${Number.isInteger(value) && Number.isInteger(min) && max - min <= 10 ? html`<${Points} from=${min} to=${max} value=${value} />`
      : html`<span class="session-points-text"><strong>${value}</strong> of ${min} to ${max}</span>
          <meter min=${min} max=${max} value=${value} aria-label="Rating">${value}</meter>`}
    ${maxLabel && html`<span>${maxLabel}</span>`}
  </div>`,

  matrix: ({ payload }) => html`<div class="table" tabindex="0" role="region" aria-label="Answers by row"><table>
    <thead><tr><th scope="col">Row</th><th scope="col">Answer</th></tr></thead>
    <tbody>${payload.rows.map((/** @type {any} */ row) => html`<tr key=${row.id}>
      <th scope="row">${row.label}</th>
      <td>${row.selections.length > 0 ? selectionsOf(row) : html`<span class="quiet">nothing chosen</span>`}</td>
    </tr>`)}</tbody>
  </table></div>`,

  multipleChoice: ({ payload: { options, otherText, multiSelect, maxLimit, randomizedOptions } }) => html`
    <ul class="session-options">
      ${options.map((/** @type {any} */ { id, text, selected }) => html`<li key=${id} class=${selected ? 'is-chosen' : ''}>
        <span aria-hidden="true">${multiSelect ? (selected ? '☑' : '☐') : selected ? '◉' : '○'}</span>
        <span>${text}${selected && html`<span class="hidden"> (chosen)</span>`}</span>
      </li>`)}
    </ul>
    ${otherText && html`<blockquote class="session-said">${otherText}</blockquote>`}
    <p class="quiet">${[
      multiSelect ? `Several could be chosen${maxLimit ? `, up to ${maxLimit}` : ''}` : 'One could be chosen',
      randomizedOptions ? 'in an order by chance' : '',
    ].filter(Boolean).join(', ')}.</p>`,

  rankOrder: ({ payload }) => html`<ol class="session-ranking">
    ${payload.ranking.map((/** @type {any} */ { rank, id, text }) => html`<li key=${id} value=${rank}>${text}</li>`)}
  </ol>`,

  url: ({ payload: { url, outcome, finalUrl, visits } }) => html`
    <p><${Outcome} outcome=${outcome} /> from <${WebAddress} url=${url} /></p>
    ${visits?.length > 0 && html`<ol class="session-visits">
      ${visits.map((/** @type {any} */ visit, /** @type {number} */ index) => html`<li key=${index}>
        <span class="session-cue-time">${clock(visit.atMs)}</span> <${WebAddress} url=${visit.url} />
      </li>`)}
    </ol>`}
    ${finalUrl && html`<p>Ended at <${WebAddress} url=${finalUrl} /></p>`}`,

  image: ({ payload }) => html`<${Picture} ...${payload} />`,

  figma: ({ payload, sessionId, taskId, isNewest }) =>
    html`<${FigmaRun} payload=${payload} sessionId=${sessionId} taskId=${taskId} isNewest=${isNewest} />`,
};

/** An answer, in its type's own way; of a type that is not known, what was recorded. @param {AnswerProps & { answer: any }} props */
export function Answer({ answer, ...props }) {
  const [key, payload] = Object.entries(answer ?? {})[0] ?? [];
  const View = key === undefined ? undefined : VIEWS[key];
  if (View) return html`<${View} ...${props} payload=${payload} />`;
  return html`<p class="quiet">The answer is of a type that this version does not show. Its event has it.</p>`;
}

/** The points of a scale with the one that was chosen. @param {{ from: number, to: number, value: number }} props */
function Points({ from, to, value }) {
  const points = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return html`<span class="session-points" role="img" aria-label=${`${value} of ${from} to ${to}`}>
    ${points.map(point => html`<span key=${point} class=${point === value ? 'is-chosen' : ''}>${point}</span>`)}
  </span>`;
}
