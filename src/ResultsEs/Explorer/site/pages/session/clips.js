// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../api.js';
import { html } from '../../ui.js';
import { clock } from './words.js';

/**
 * The clips of a recording: each plays its part of it, and has a file of its own.
 * @param {{ sessionId: string, clips: any[], play: ((fromMs: number, untilMs: number) => void) | null }} props
 */
export function Clips({ sessionId, clips, play }) {
  if (clips.length === 0) return html`<p class="quiet">Nobody has cut a clip of this recording.</p>`;
  return html`<h3>Clips</h3>
    <ul class="session-clips">
      ${clips.map(clip => html`<li key=${clip.uuid}>
        <div>
          <strong>${clip.name}</strong>${' '}
          <span class="quiet">${[
            `${clock(clip.timeStartMs)}–${clock(clip.timeEndMs)}`,
            clip.hasCamera ? 'with camera' : '',
            clip.hasAudio ? '' : 'without sound',
          ].filter(Boolean).join(', ')}</span>
          ${clip.description && html`<p>${clip.description}</p>`}
        </div>
        <div class="session-buttons">
          ${play && html`<button type="button" onClick=${() => play(clip.timeStartMs, clip.timeEndMs)}
            aria-label=${`Play clip ${clip.name}`}>Play</button>`}
          <${ClipFile} sessionId=${sessionId} clip=${clip} />
        </div>
      </li>`)}
    </ul>`;
}

/**
 * The file of a clip. Its address is asked for when somebody wants it, because it expires.
 * @param {{ sessionId: string, clip: any }} props
 */
function ClipFile({ sessionId, clip }) {
  const [file, setFile] = useState(/** @type {{ url?: string, says?: string } | null} */ (null));
  const link = useRef(/** @type {HTMLAnchorElement | null} */ (null));
  useEffect(() => link.current?.focus(), [file?.url]);

  const ask = async () => {
    try {
      const { status, clipUrl } = await get(`/api/v2/sessionResults/${sessionId}/clips/${clip.uuid}`);
      if (clipUrl) setFile({ url: clipUrl });
      else setFile({ says: status === 'ERROR' ? 'Its file could not be made.' : 'Its file is still being made.' });
    } catch (problem) {
      setFile({ says: /** @type {any} */ (problem).detail ?? 'Its file cannot be had.' });
    }
  };

  if (file?.url) return html`<a ref=${link} href=${file.url} download target="_blank" rel="noopener">Download (for 15 minutes)</a>`;
  return html`<button type="button" onClick=${ask} aria-label=${`Get the file of clip ${clip.name}`}>Get the file</button>
    <span role="status">${file?.says}</span>`;
}
