// @ts-check
import { useEffect, useRef } from 'preact/hooks';
import { html } from '../../ui.js';
import { memo } from './pieces.js';
import { clock } from './words.js';

/**
 * Cues, in a box that scrolls in itself. Where there is a recording each jumps to its moment, and the one that is spoken is marked
 * and kept in sight; focus stays where it is.
 * @param {{ cues: import('./cues.js').Cue[], current: number, jump: ((ms: number) => void) | null, isFollowing: boolean }} props
 */
export function Transcript({ cues, current, jump, isFollowing }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const list = box.current;
    const cue = list?.querySelector('[aria-current]');
    if (!isFollowing || !list || !(cue instanceof HTMLElement)) return;
    const top = cue.offsetTop - list.clientHeight / 3;
    list.scrollTo({ top, behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  }, [current, isFollowing]);

  return html`<ol class="session-cues" ref=${box} tabindex="0" aria-label="Transcript">
    ${cues.map((cue, index) => html`<${CueLine} key=${index} cue=${cue} isCurrent=${index === current} jump=${jump}
      speaker=${cue.speaker === cues[index - 1]?.speaker ? undefined : cue.speaker} />`)}
  </ol>`;
}

const CueLine = memo((
  /** @type {{ cue: import('./cues.js').Cue, speaker?: string, isCurrent: boolean, jump: ((ms: number) => void) | null }} */
  { cue, speaker, isCurrent, jump }) => {
  const words = html`<span class="session-cue-time">${clock(cue.startMs)}</span> <span class="session-cue-text">${cue.text}</span>`;
  return html`<li class="session-cue" aria-current=${isCurrent ? 'true' : undefined}>
    ${speaker && html`<strong class="session-speaker">${speaker}</strong>`}
    ${jump ? html`<button type="button" onClick=${() => jump(cue.startMs)}>${words}</button>` : html`<p>${words}</p>`}
  </li>`;
});
