// @ts-check
// A task of the plan: the picture that its type asks for, and the times that participants took.
import { useRef } from 'preact/hooks';
import { address, get } from '../../api.js';
import { Figure } from '../../charts.js';
import { Badge, Loading, Problem, html, useLoad } from '../../ui.js';
import { Answers } from './answers.js';
import { choicePicture, selectText } from './choices.js';
import { durationPicture } from './durations.js';
import { Images } from './images.js';
import { useNear, useWhileNear } from './near.js';
import { npsPictures, scoreText } from './nps.js';
import { misclickPicture, outcomePicture } from './outcomes.js';
import { Paths } from './paths.js';
import { counted, numberText, taskTypeText } from './picture.js';
import { rankPicture } from './ranking.js';
import { ends, matrixPicture, ratingPicture } from './ratings.js';

/**
 * What the parts of a task are given.
 * @typedef {object} TaskPart
 * @property {any} summary of the task
 * @property {string} name of the task, for files
 * @property {string} path of the task in the API
 * @property {Record<string, any>} params the filters
 * @property {number} revision grows with changes
 * @property {string[]} searches in answers, each as `TASK:TEXT`
 */

/** The parts of a task by the member that its answers have. @type {Record<string, (part: TaskPart) => any>} */
const parts = {
  nps: ({ summary: { answers: { nps } }, name }) => html`
    <p class="score"><strong>${scoreText(nps.score)}</strong> Net Promoter Score</p>
    ${npsPictures(nps).map(picture => html`<${Picture} task=${name} picture=${picture} />`)}`,
  ratingScale: ({ summary: { answers: { ratingScale } }, name }) => html`
    <p class="score"><strong>${numberText(ratingScale.mean)}</strong> mean, from ${ends(ratingScale)}</p>
    <${Picture} task=${name} picture=${ratingPicture(ratingScale)} />`,
  matrix: ({ summary: { answers: { matrix } }, name }) => html`<${Picture} task=${name} picture=${matrixPicture(matrix)} />`,
  multipleChoice: ({ summary: { answers: { multipleChoice }, answered }, name }) => html`
    <p><${Badge}>${selectText(multipleChoice)}</${Badge}></p>
    <${Picture} task=${name} picture=${choicePicture(multipleChoice, answered)} />`,
  rankOrder: ({ summary: { answers: { rankOrder } }, name }) => html`<${Picture} task=${name} picture=${rankPicture(rankOrder)} />`,
  url: ({ summary: { answers: { url }, answered, skipped }, name }) => html`
    <${Picture} task=${name} picture=${outcomePicture(url.outcomes, answered, skipped)} />
    <${Paths} name=${name} paths=${url.paths} otherPaths=${url.otherPaths} noun="page" />`,
  figma: ({ summary: { answers: { figma }, answered, skipped }, name }) => html`
    <${Prototypes} prototypes=${figma.prototypes} />
    <${Picture} task=${name} picture=${outcomePicture(figma.outcomes, answered, skipped)} />
    <${Paths} name=${name} paths=${figma.paths} otherPaths=${figma.otherPaths} noun="node" />
    ${figma.misclicks.length > 0
      ? html`<${Picture} task=${name} picture=${misclickPicture(figma.misclicks)} />`
      : html`<p class="quiet">No misclick.</p>`}`,
  image: part => html`<${Images} ...${part} />`,
  written: part => html`<${Answers} ...${part} />`,
};

/**
 * @param {{testId: string, task: any, number: number, params: Record<string, any>, revision: number, searches: string[]}} props
 *   `task` of the test's summary, `number` in the plan, from 1
 */
export function Task({ testId, task, number, params, revision, searches }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const isNear = useNear(place);
  const path = `/api/v3/testResults/${encodeURIComponent(testId)}/tasks/${encodeURIComponent(task.taskId)}`;
  const wanted = useWhileNear(`${address(`${path}/summary`, params)} ${revision}`, isNear);
  const { value, problem, reload } = useLoad(
    signal => wanted === undefined ? Promise.resolve(undefined) : get(`${path}/summary`, params, { signal }), [wanted]);
  const heading = `heading-${task.taskId}`;
  const state = value || problem ? '' : 'waiting';
  return html`<section class="card task ${state}" id="task-${task.taskId}" aria-labelledby=${heading} tabindex="-1"
    ref=${place}>
    <h3 id=${heading}><span class="quiet">${number}.</span> ${task.text || 'Task without a text'}</h3>
    <p class="row quiet task-facts"><${Badge}>${taskTypeText(task.type)}</${Badge}>
      <span>${counted(task.answered, 'answer')}</span> <span>${task.skipped.toLocaleString('en')} skipped</span></p>
    <${Problem} problem=${problem} reload=${reload} />
    ${!value && !problem && wanted !== undefined && html`<${Loading} />`}
    ${value && html`<${Body} summary=${value} name="task-${number}" path=${path} params=${params} revision=${revision}
      searches=${searches} />`}
  </section>`;
}

/** @param {TaskPart} part */
function Body(part) {
  const { summary, name } = part;
  const kind = Object.keys(summary.answers ?? {}).find(key => key in parts);
  const times = summary.durationMs;
  return html`<div class="task-body">
    <div>${kind
      ? parts[kind](part)
      : html`<p class="quiet">${nothing(summary)}</p>`}</div>
    ${times && times.count > 0 && html`<div class="times"><${Picture} task=${name} picture=${durationPicture(times)} /></div>`}
  </div>`;
}

/** Why a task has no picture of answers. @param {any} summary */
const nothing = summary => {
  if (summary.answered === 0)
    return summary.skipped > 0 ? 'Everyone who came to this task skipped it.' : 'No answer yet.';
  return summary.type === 'BLANK' || summary.answers?.blank
    ? 'A task without an answer: participants read or do something, and go on.'
    : 'This version does not know tasks of this type. Their answers are kept, and shown by one that does.';
};

/** @param {{task: string, picture: import('./picture.js').Picture}} props */
export const Picture = ({ task, picture }) => html`<${Figure} ...${picture} name="${task}-${picture.name}" level=${4} />`;

/** @param {{prototypes: {url: string, title: string | null, count: number}[]}} props */
const Prototypes = ({ prototypes }) => prototypes.length > 0 && html`<ul class="bare quiet">
  ${prototypes.map(({ url, title, count }) => html`<li>${/^https?:/i.test(url)
    ? html`<a href=${url} rel="noreferrer noopener" target="_blank">${title || url}</a>`
    : title || url} in ${counted(count, 'session')}</li>`)}
</ul>`;
