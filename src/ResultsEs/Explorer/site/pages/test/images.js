// @ts-check
// Images with what participants marked on them.
import { usePages, More } from '../../lists.js';
import { Download, Loading, Problem, Table, csvOf, html, mayLoad } from '../../ui.js';
import { counted } from './picture.js';

/**
 * A mark on an image; places and sizes are fractions of the image.
 * @typedef {object} Mark
 * @property {string} id
 * @property {number} number
 * @property {number} x @property {number} y
 * @property {number | null} width @property {number | null} height
 * @property {string} comment
 * @property {string} sessionId
 */

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'number', title: 'Mark', isNumber: true },
  { key: 'comment', title: 'Comment' },
  { key: 'x', title: 'x', isNumber: true },
  { key: 'y', title: 'y', isNumber: true },
  { key: 'width', title: 'Width', isNumber: true },
  { key: 'height', title: 'Height', isNumber: true },
  {
    key: 'sessionId', title: 'Session',
    value: row => html`<a href="/sessions/${row.sessionId}">${row.sessionId.slice(0, 8)}…</a>`, text: row => row.sessionId,
  },
];

/** @param {import('./task.js').TaskPart} props */
export function Images({ summary, name, path, params, revision }) {
  const list = usePages(`${path}/answers`, { ...params, limit: 50 }, 'answers', revision);
  const answers = list.items.filter(answer => !answer.skipped && answer.answer);
  return html`
    <${Problem} problem=${list.problem} reload=${list.reload} />
    ${!list.isLoaded && !list.problem && html`<${Loading} />`}
    ${list.isLoaded && summary.answers.image.images.map((/** @type {any} */ image, /** @type {number} */ index) =>
      html`<${Picture} key=${image.imageUrl} name="${name}-image-${index + 1}" url=${image.imageUrl} answers=${image.answers}
        shown=${answers.filter(({ answer }) => answer.imageUrl === image.imageUrl).length}
        marks=${marksOf(`${name}-${index + 1}`, answers, image.imageUrl)} />`)}
    ${list.hasMore && html`<${More} list=${list} noun="answers" />`}`;
}

/** @param {string} prefix @param {any[]} answers @param {string} url @returns {Mark[]} */
export const marksOf = (prefix, answers, url) => answers
  .filter(({ answer }) => answer.imageUrl === url)
  .flatMap(({ answer, sessionId }) => answer.annotations.map((/** @type {any} */ mark) => ({ ...mark, sessionId })))
  .map((mark, index) => ({
    id: `${prefix}-mark-${index + 1}`,
    number: index + 1,
    x: mark.x,
    y: mark.y,
    width: mark.width ?? null,
    height: mark.height ?? null,
    comment: mark.comment ?? '',
    sessionId: mark.sessionId,
  }));

/**
 * @param {{name: string, url: string, answers: number, shown: number, marks: Mark[]}} props
 *   `answers` about the image, and those of them whose marks are shown
 */
function Picture({ name, url, answers, shown, marks }) {
  const isShown = mayLoad(url);
  return html`<figure class="figure image" data-name=${name}>
    <figcaption>${counted(marks.length, 'mark')} of ${shown < answers ? `the newest ${shown} of ` : ''}${counted(answers, 'answer')}
      ${' '}on <${Address} url=${url} />
      ${!isShown && ', which is not loaded: it is not of this service. The frame stands for it.'}</figcaption>
    <div class="image-place ${isShown ? '' : 'frame'}">
      ${isShown && html`<img src=${url} loading="lazy" alt="What participants marked" />`}
      ${marks.map(mark => html`<a class="mark ${mark.width ? 'area' : 'point'}" href="#${mark.id}" key=${mark.id}
        aria-label="Mark ${mark.number}${mark.comment ? `: ${mark.comment}` : ''}" title=${mark.comment} style=${placeOf(mark)}>
        <span>${mark.number}</span></a>`)}
    </div>
    <ol class="bare comments">${marks.map(mark => html`<li id=${mark.id} key=${mark.id} tabindex="-1">
      <span class="mark-number">${mark.number}</span> ${mark.comment || html`<span class="quiet">without a comment</span>`}${' '}
      <a class="small" href="/sessions/${mark.sessionId}">Session</a></li>`)}</ol>
    <details class="numbers">
      <summary>Numbers of the marks</summary>
      <${Table} caption="Marks on ${url}" isCaptionHidden columns=${columns} rows=${marks} empty="No mark." />
      <${Download} name=${name} csv=${() => csvOf(columns, marks)} />
    </details>
  </figure>`;
}

/** @param {{url: string}} props */
const Address = ({ url }) => (/^https?:/i.test(url)
  ? html`<a href=${url} rel="noreferrer noopener" target="_blank">${url}</a>`
  : url);

/** @param {Mark} mark */
const placeOf = mark => {
  /** @param {number | null} fraction */
  const percent = fraction => `${Math.min(1, Math.max(0, fraction ?? 0)) * 100}%`;
  return mark.width
    ? { left: percent(mark.x), top: percent(mark.y), width: percent(mark.width), height: percent(mark.height) }
    : { left: percent(mark.x), top: percent(mark.y) };
};
