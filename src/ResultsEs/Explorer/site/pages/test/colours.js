// @ts-check
// Hues that people with any colour vision tell apart: blue-green stands for good, orange for bad, grey for between.

export const good = '#0b7a75';
export const bad = '#c2500f';
export const neutral = '#8492a6';
export const accent = '#3d82cf';

/** Of sessions, by status. */
export const statusColours = { COMPLETE: good, IN_PROGRESS: '#d9a21b', ABANDONED: neutral };

/** Of outcomes, and of what has none. @type {Record<string, string>} */
export const outcomeColours = { SUCCESS: good, FAILURE: bad, UNKNOWN: neutral, UNTOLD: '#a5b0bf', SKIPPED: '#c3ccd8' };

/** Colours from bad to good by way of grey, as many as asked for. @param {number} count */
export const steps = count =>
  Array.from({ length: count }, (_, index) => {
    const place = count === 1 ? 1 : index / (count - 1);
    return place < 0.5 ? between(bad, '#d5dae1', place * 2) : between('#d5dae1', good, place * 2 - 1);
  });

/** Black or white, whichever reads better on the colour. @param {string} colour */
export const inkOn = colour => {
  const [red, green, blue] = channels(colour).map(channel => (channel / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.25 ? '#000000' : '#ffffff';
};

/** @param {string} first @param {string} second @param {number} place 0 (the first) to 1 (the second) */
const between = (first, second, place) => {
  const target = channels(second);
  const mixed = channels(first).map((channel, index) => Math.round(channel + (target[index] - channel) * place));
  return `#${mixed.map(channel => channel.toString(16).padStart(2, '0')).join('')}`;
};

/** @param {string} colour as #rrggbb @returns {[number, number, number]} */
const channels = colour => {
  const [red, green, blue] = [1, 3, 5].map(start => parseInt(colour.slice(start, start + 2), 16));
  return [red, green, blue];
};
