// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../api.js';
import { html, mayLoad, useStyle } from '../../ui.js';

/**
 * What others may do with the player: play from a moment of the recording, in milliseconds, to its end or `untilMs`.
 * @typedef {{ play: (fromMs: number, untilMs?: number) => void }} PlayerControl
 */

/** @typedef {{ videoUrl: string, expiresAt: string }} Source */

/** What keeps the recording from playing. @typedef {{ words: string, retry?: () => void }} Failure */

/**
 * The recording of a session. Nothing of it is loaded before somebody plays it. Its address is asked for again when it has expired.
 * @param {{ sessionId: string, source: Source, onTime: (ms: number) => void, onReady: (control: PlayerControl | null) => void }} props
 */
export function Player({ sessionId, source, onTime, onReady }) {
  useStyle('vendor/video-js.min.css');
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const [failure, setFailure] = useState(/** @type {Failure | null} */ (null));
  const isAllowed = mayLoad(source.videoUrl);
  const file = new URL(source.videoUrl).pathname;

  useEffect(() => {
    const box = place.current;
    if (!isAllowed || !box) return undefined;
    /** @type {(() => void) | undefined} */
    let end;
    let isOver = false;
    load().then(videojs => {
      if (isOver) return;
      const player = open(videojs, box, source.videoUrl);
      let atMs = 0;
      const control = controlOf(player, ms => {
        atMs = ms;
        onTime(ms);
      });
      recover(player, sessionId, source, () => atMs, setFailure);
      onReady(control);
      end = () => player.dispose();
    }, error => setFailure({ words: error.message }));
    return () => {
      isOver = true;
      onReady(null);
      end?.();
    };
  }, [sessionId, isAllowed, file]);

  if (!isAllowed)
    return html`<div class="session-frame session-elsewhere">
      <p>The recording lies at <strong>${new URL(source.videoUrl).origin}</strong>, from where this page loads nothing.</p>
      <p><a href=${source.videoUrl} target="_blank" rel="noopener noreferrer">Open it</a></p>
    </div>`;
  return html`<div class="session-player">
    <div ref=${place}></div>
    ${failure && html`<div class="problem" role="alert">
      <p>${failure.words}</p>
      ${failure.retry && html`<button type="button" onClick=${failure.retry}>Try again</button>`}
    </div>`}
  </div>`;
}

/** video.js, loaded with the first recording. */
async function load() {
  // Its styles come by its style sheet alone: the page's policy takes no others.
  const globals = /** @type {any} */ (globalThis);
  globals.VIDEOJS_NO_DYNAMIC_STYLE = true;
  await import('video.js');
  return globals.videojs;
}

/**
 * @param {any} videojs
 * @param {HTMLElement} box
 * @param {string} url
 */
function open(videojs, box, url) {
  const video = document.createElement('video');
  video.className = 'video-js vjs-fluid vjs-16-9';
  video.setAttribute('playsinline', '');
  box.append(video);
  return videojs(video, {
    controls: true,
    preload: 'none',
    errorDisplay: false,
    playbackRates: [0.75, 1, 1.25, 1.5, 2],
    controlBar: { pictureInPictureToggle: false },
    sources: [sourceOf(url)],
  });
}

/** The browser looks at the file itself; the player only wants to hear of some type. @param {string} url */
const sourceOf = url => ({ src: url, type: new URL(url).pathname.endsWith('.webm') ? 'video/webm' : 'video/mp4' });

/**
 * @param {any} player
 * @param {(ms: number) => void} onTime
 * @returns {PlayerControl}
 */
function controlOf(player, onTime) {
  /** @type {number | undefined} */
  let untilMs;
  player.on(['timeupdate', 'seeked'], () => {
    // A player that failed says that it is at the begin.
    if (player.error() || player.readyState() === 0) return;
    const ms = player.currentTime() * 1000;
    if (untilMs !== undefined && ms >= untilMs) {
      untilMs = undefined;
      player.pause();
    }
    onTime(ms);
  });
  return {
    play: (fromMs, until) => {
      untilMs = until;
      player.currentTime(fromMs / 1000);
      onTime(fromMs);
      // What keeps a recording from playing is told by its error.
      player.play()?.catch(() => undefined);
    },
  };
}

/**
 * Asks for another address when the one that is known has expired, and says what else is wrong.
 * @param {any} player
 * @param {string} sessionId
 * @param {Source} source
 * @param {() => number} placeOf where the reader is, in milliseconds
 * @param {(failure: Failure | null) => void} setFailure
 */
function recover(player, sessionId, source, placeOf, setFailure) {
  let { videoUrl, expiresAt } = source;
  const renew = async () => {
    setFailure(null);
    try {
      ({ videoUrl, expiresAt } = await get(`/api/v2/sessionResults/${sessionId}/videoDownloadUrl`));
      player.src(sourceOf(videoUrl));
      player.currentTime(placeOf() / 1000);
      player.play()?.catch(() => undefined);
    } catch (problem) {
      setFailure({ words: /** @type {Error} */ (problem).message, retry: renew });
    }
  };
  player.on('playing', () => setFailure(null));
  player.on('error', () => {
    if (Date.parse(expiresAt) < Date.now()) renew();
    else
      setFailure({
        words: `The recording could not be loaded from ${new URL(videoUrl).origin}: the store does not answer, the file is not there, `
          + 'or this browser cannot play it.',
        retry: renew,
      });
  });
}
