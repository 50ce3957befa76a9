// @ts-check

/**
 * A cue of a transcript. Times are milliseconds of the recording.
 * @typedef {{ startMs: number, endMs: number, speaker?: string, text: string }} Cue
 */

/**
 * The cues of a WebVTT text, parsed by the browser itself.
 * @param {string} text
 * @returns {Promise<Cue[]>}
 */
export async function parseCues(text) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/vtt' }));
  const video = document.createElement('video');
  const element = document.createElement('track');
  element.kind = 'metadata';
  element.src = url;
  video.append(element);
  try {
    await new Promise((resolve, reject) => {
      element.onload = resolve;
      element.onerror = () => reject(new Error('The transcript is no WebVTT that this browser can read.'));
      element.track.mode = 'hidden';
    });
    return Array.from(element.track.cues ?? [], cue => readCue(/** @type {VTTCue} */ (cue)));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * The place of the cue that is spoken at a moment, or else of the last one before it; -1 before the first. Cues are by their start.
 * @param {Cue[]} cues
 * @param {number} atMs
 */
export function cueAt(cues, atMs) {
  let low = 0;
  let high = cues.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cues[middle].startMs <= atMs) low = middle + 1;
    else high = middle;
  }

  return low - 1;
}

/**
 * @param {VTTCue} cue
 * @returns {Cue}
 */
function readCue(cue) {
  const words = cue.getCueAsHTML();
  // A voice is a span whose title is the speaker, as WebVTT's specification has it.
  const speaker = words.querySelector('span[title]')?.getAttribute('title') ?? undefined;
  return { startMs: Math.round(cue.startTime * 1000), endMs: Math.round(cue.endTime * 1000), speaker, text: words.textContent ?? '' };
}
