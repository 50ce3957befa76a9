// @ts-check
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get } from '../../api.js';
import { Badge, durationText, html } from '../../ui.js';
import { counted } from '../test/picture.js';
import { stepsOf } from './figma-steps.js';
import { Outcome, Step, WebAddress } from './pieces.js';
import { clock, interactionWords } from './words.js';

/** Interactions of a page: as many as the service gives at a time. */
const PAGE = 500;

/**
 * A run through a Figma prototype, step by step. The details list the first interactions; the others are asked for when somebody gets
 * there.
 * @param {{ payload: any, sessionId: string, taskId: string, isNewest: boolean }} props
 */
export function FigmaRun({ payload, sessionId, taskId, isNewest }) {
  const { interactions, total, isLoading, problem, reach } = useInteractions(payload, sessionId, taskId, isNewest);
  const steps = useMemo(() => stepsOf(interactions), [interactions]);
  const [chosen, setPlace] = useState(0);
  const place = Math.min(chosen, Math.max(0, steps.length - 1));
  const next = async () => setPlace(Math.min(place + 1, (await reach(({ length }) => length > place + 1)).length - 1));
  const goTo = async (/** @type {number} */ atMs) => {
    const all = await reach(there => there.at(-1)?.atMs >= atMs);
    const index = all.findIndex(interaction => interaction.atMs >= atMs);
    setPlace(index < 0 ? all.length - 1 : index);
  };

  return html`<div class="session-run">
    <p>
      <${Outcome} outcome=${payload.outcome} /> <strong>${payload.figmaPrototypeTitle ?? 'Prototype'}</strong>
      <span class="quiet"> ${[
        counted(payload.interactionCount, 'interaction'), counted(payload.misclickCount, 'misclick'),
        payload.durationMs === undefined || payload.durationMs === null ? '' : durationText(payload.durationMs),
      ].filter(Boolean).join(', ')}</span>
    </p>
    <p class="quiet"><${WebAddress} url=${payload.prototypeUrl} /></p>
    <${Path} path=${payload.path} atMs=${steps[place]?.atMs ?? -1} onChoose=${goTo} />
    ${steps.length === 0
      ? html`<p class="quiet">No interaction was recorded.</p>`
      : html`<div class="session-steps">
          <${Screen} steps=${steps} place=${place} />
          <div>
            <div class="session-buttons" role="group" aria-label="Steps of the run">
              <${Step} isOff=${place === 0} onClick=${() => setPlace(place - 1)}>Previous step</${Step}>
              <${Step} isOff=${place + 1 >= total || isLoading} onClick=${next}>Next step</${Step}>
            </div>
            <p role="status">
              <strong>Step ${place + 1} of ${total}</strong>, ${clockExact(steps[place].atMs)}<br /><${StepWords} step=${steps[place]} />
            </p>
            ${problem && html`<p class="problem" role="alert">${problem.detail ?? problem.message}</p>`}
            ${!isNewest && payload.interactionCount > steps.length && html`<p class="quiet">
              Of what was then, the first ${steps.length} interactions are kept.
            </p>`}
            <details>
              <summary>This step as it was recorded</summary>
              <pre tabindex="0">${JSON.stringify(steps[place].interaction, null, 2)}</pre>
            </details>
            <details>
              <summary>All steps${steps.length < total ? `, ${steps.length.toLocaleString('en')} of them loaded` : ''}</summary>
              <ol class="session-step-list" tabindex="0">
                ${steps.map((step, index) => html`<li key=${index}><button type="button"
                  aria-current=${index === place ? 'step' : undefined} onClick=${() => setPlace(index)}>
                  <span class="session-cue-time">${clockExact(step.atMs)}</span> <span><${StepWords} step=${step} /></span>
                </button></li>`)}
              </ol>
              ${isNewest && steps.length < total && html`<button type="button" disabled=${isLoading}
                onClick=${() => reach(({ length }) => length > steps.length)}>Load more</button>`}
            </details>
          </div>
        </div>`}
  </div>`;
}

/**
 * The interactions that are at hand: those of the details, until somebody goes further.
 * @param {any} payload
 * @param {string} sessionId
 * @param {string} taskId
 * @param {boolean} isNewest
 */
function useInteractions(payload, sessionId, taskId, isNewest) {
  const [loaded, setLoaded] = useState(/** @type {{ of: string, interactions: any[], cursor?: string } | null} */ (null));
  const [state, setState] = useState(/** @type {{ isLoading: boolean, problem: any }} */ ({ isLoading: false, problem: null }));
  // A page that updates has the same run in another object.
  const { interactionCount, misclickCount, startNodeId, endNodeId, durationMs } = payload;
  const run = [interactionCount, misclickCount, startNodeId, endNodeId, durationMs, payload.interactions[0]?.atMs].join();
  const mine = isNewest && loaded?.of === run ? loaded : null;
  const interactions = mine?.interactions ?? payload.interactions;
  const total = isNewest ? interactionCount : interactions.length;

  /**
   * Loads pages until there is enough, or all.
   * @param {(interactions: any[]) => boolean} isEnough
   * @returns {Promise<any[]>}
   */
  const reach = async isEnough => {
    if (isEnough(interactions) || interactions.length >= total) return interactions;
    let [all, cursor] = [mine?.interactions ?? [], mine?.cursor];
    setState({ isLoading: true, problem: null });
    try {
      do {
        const page = await get(`/api/v3/sessionResults/${sessionId}/tasks/${taskId}/interactions`, { limit: PAGE, cursor });
        all = [...all, ...page.interactions];
        cursor = page.meta.pagination.nextCursor;
      } while (cursor && !isEnough(all));
      setLoaded({ of: run, interactions: all, cursor });
      setState({ isLoading: false, problem: null });
      return all;
    } catch (problem) {
      setState({ isLoading: false, problem });
      return interactions;
    }
  };
  return { ...state, interactions, total, reach };
}

/** The screens that came up, in their order. @param {{ path: any[], atMs: number, onChoose: (atMs: number) => void }} props */
function Path({ path, atMs, onChoose }) {
  const current = path.findLastIndex(visit => visit.atMs <= atMs);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const screen = box.current?.querySelector('[aria-current]');
    if (box.current && screen instanceof HTMLElement) box.current.scrollTop = screen.offsetTop - box.current.clientHeight / 2;
  }, [current]);
  return html`<ol class="session-path" ref=${box} aria-label="Screens of the run">
    ${path.map((visit, index) => html`<li key=${index}><button type="button" aria-current=${index === current ? 'step' : undefined}
      onClick=${() => onChoose(visit.atMs)}>
      ${visit.nodeId} <span class="quiet">${clock(visit.atMs)}</span>
    </button></li>`)}
  </ol>`;
}

/** @param {{ step: import('./figma-steps.js').FigmaStep }} props */
function StepWords({ step }) {
  return html`${interactionWords(step.interaction)}${step.click === 'missed' && html` <${Badge} kind="bad">Misclick</${Badge}>`}${
    step.click === 'released' && html` <${Badge}>Released</${Badge}>`}`;
}

/**
 * The clicks on the screen of a step, at their places; those that are yet to come are faint.
 * @param {{ steps: import('./figma-steps.js').FigmaStep[], place: number }} props
 */
function Screen({ steps, place }) {
  const screen = steps[place].screen ?? steps.find(step => step.screen)?.screen;
  const clicks = steps.filter(step => step.screen === screen && step.click && step.click !== 'released' && step.point);
  const done = clicks.filter(step => steps.indexOf(step) <= place);
  // How large a screen is nobody records: it is as large as what was clicked on it in the whole run.
  const places = steps.flatMap(step => (step.screen === screen && step.point ? [step.point] : []));
  const width = Math.max(240, ...places.map(({ x }) => x * 1.15));
  const height = Math.max(400, ...places.map(({ y }) => y * 1.15));
  return html`<figure class="session-screen">
    <div class="session-screen-frame" role="img"
      aria-label=${`Screen ${screen ?? 'not known'}: ${counted(done.length, 'click')} up to this step, `
      + `${done.filter(step => step.click === 'missed').length} of them missed`}>
      ${clicks.map((step, index) => html`<${Click} key=${index} step=${step} isDone=${index < done.length}
        isCurrent=${step === steps[place]} width=${width} height=${height} />`)}
    </div>
    <figcaption>${screen ? html`Screen <code>${screen}</code>` : 'Screen not known'}</figcaption>
  </figure>`;
}

/**
 * @param {{ step: import('./figma-steps.js').FigmaStep, isDone: boolean, isCurrent: boolean, width: number, height: number }} props
 */
const Click = ({ step: { click, point }, isDone, isCurrent, width, height }) => html`<span
  class=${`session-click session-click-${click}${isDone ? ' is-done' : ''}${isCurrent ? ' is-current' : ''}`}
  style=${{ left: `${((point?.x ?? 0) / width) * 100}%`, top: `${((point?.y ?? 0) / height) * 100}%` }}>
  ${click === 'missed' ? '×' : ''}
</span>`;

const clockExact = (/** @type {number} */ ms) => `${clock(ms)}.${Math.floor((ms % 1000) / 100)}`;
