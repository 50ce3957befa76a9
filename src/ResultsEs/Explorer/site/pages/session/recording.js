// @ts-check
import { useState } from 'preact/hooks';
import { get, text } from '../../api.js';
import { html } from '../../ui.js';
import { Clips } from './clips.js';
import { cueAt, parseCues } from './cues.js';
import { Player } from './player.js';
import { nullIf404 } from './reads.js';
import { Transcript } from './transcript.js';

/**
 * What was recorded of a session. What there is not is null; `refusal` says why the recording cannot be played.
 * @typedef {{ source: any, refusal: string | null, clips: any[] | null, cues: import('./cues.js').Cue[] | null }} Media
 */

/**
 * Reads what was recorded of a session.
 * @param {string} sessionId
 * @returns {Promise<Media>}
 */
export async function readMedia(sessionId) {
  const path = `/api/v2/sessionResults/${sessionId}`;
  const [video, clips, cues] = await Promise.all([
    get(`${path}/videoDownloadUrl`).then(
      source => ({ source, refusal: null }), problem => ({ source: null, refusal: refusalOf(problem) })),
    get(`${path}/clips`).then(answer => answer.clips, nullIf404),
    readCues(sessionId),
  ]);
  return { ...video, clips, cues };
}

/**
 * Reads the transcript of a session; null where there is none.
 * @param {string} sessionId
 * @param {{ version?: number, signal?: AbortSignal }} [options] `version`: the one that the session had after so many events
 */
export async function readCues(sessionId, { version, signal } = {}) {
  const vtt = await text(`/api/v2/sessionResults/${sessionId}/transcript`, { version }, { signal }).catch(nullIf404);
  return vtt === null ? null : parseCues(vtt);
}

/** @param {any} problem */
function refusalOf(problem) {
  if (problem.status === 404) return null;
  if (problem.status === 503) return `There is a recording, which cannot be played here. ${problem.detail}`;
  throw problem;
}

/**
 * The recording with the transcript beside it, and its clips. Of a past version the transcript is that of then; the recording is that
 * of now, and said to be.
 * @param {{ sessionId: string, media: Media, control: import('./player.js').PlayerControl | null,
 *   onControl: (control: import('./player.js').PlayerControl | null) => void,
 *   jump: ((ms: number) => void) | null, isPast: boolean }} props
 */
export function Recording({ sessionId, media, control, onControl, jump, isPast }) {
  const { source, refusal, clips, cues } = media;
  const [current, setCurrent] = useState(-1);
  const [isFollowing, setFollowing] = useState(true);
  const isRecorded = source !== null || refusal !== null;
  if (!isRecorded && !cues) return null;

  return html`<section class="card" aria-labelledby="recording">
    <h2 id="recording">${isRecorded ? 'Recording' : 'Transcript'}${isPast && isRecorded && html` <span
      class="session-aside">as it is now${cues && ', with the transcript of then'}</span>`}</h2>
    ${refusal && html`<p class="problem">${refusal}</p>`}
    <div class=${source && cues ? 'session-media session-media-both' : 'session-media'}>
      ${source && html`<${Player} sessionId=${sessionId} source=${source} onReady=${onControl}
        onTime=${(/** @type {number} */ ms) => cues && setCurrent(cueAt(cues, ms))} />`}
      ${cues && html`<div>
        ${source && html`<label class="session-follow"><input type="checkbox" checked=${isFollowing}
          onChange=${(/** @type {any} */ e) => setFollowing(e.currentTarget.checked)} /> Transcript follows the recording</label>`}
        <${Transcript} cues=${cues} current=${source ? current : -1} isFollowing=${isFollowing}
          jump=${jump} />
      </div>`}
    </div>
    ${clips && html`<${Clips} sessionId=${sessionId} clips=${clips}
      play=${control && ((/** @type {number} */ from, /** @type {number} */ to) => control.play(from, to))} />`}
  </section>`;
}
