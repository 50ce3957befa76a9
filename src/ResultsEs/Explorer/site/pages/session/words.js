// @ts-check
import { productTypeText, taskTypeText, words as wordsOf } from '../test/picture.js';
import { answerWords } from './answer-words.js';

/** @typedef {import('./difference.js').Step} Step */

/** @type {Record<string, string>} */
const WORDS = {
  PARTICIPANT: 'left by the participant',
  INACTIVITY: 'nothing happened any more',
  TECHNICAL: 'a technical failure',
  UNRECOGNIZED: 'Unknown type',
  QX_SCORE: 'QX score',
  LOGIC: 'passed over by the logic of the test',
  USER: 'skipped by the participant',
};

/** The words of a code of the API. */
export const say = (/** @type {string} */ code) => WORDS[code] ?? wordsOf(code);

/** The words of a task's type. */
export const sayType = (/** @type {string} */ type) => WORDS[type] ?? taskTypeText(type);

/** A moment of the session, from its start, as `1:02:03` or `2:03`. */
export function clock(/** @type {number} */ ms) {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, '0')];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/**
 * A moment in the reader's time zone, with seconds; on the day of another one without its date.
 * @param {string} iso
 * @param {string} [other]
 */
export function momentWords(iso, other) {
  const [at, day] = [new Date(iso), other === undefined ? undefined : new Date(other)];
  return (at.toDateString() === day?.toDateString() ? time : moment).format(at);
}

/** A short text as it is, a long one cut. */
export const cut = (/** @type {string} */ text, most = 80) => (text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text);

/** @type {Record<string, string>} */
const EVENTS = {
  SessionStarted: 'The session starts',
  ParticipantProfiled: 'The participant is known',
  TaskAnswered: 'Answer',
  TaskSkipped: 'Skipped',
  FigmaInteractionRecorded: 'Figma interaction',
  VerbalResponseTranscribed: 'Transcript of a spoken answer',
  TaskGroupScored: 'QX score',
  ComparisonSequenced: 'Order of a comparison',
  SessionTranscribed: 'Transcript of the session',
  SessionCompleted: 'The session is complete',
  SessionResumed: 'The session goes on',
  SessionAbandoned: 'The session is abandoned',
  VideoRecorded: 'Recording',
  ClipCreated: 'Clip',
  ClipGenerated: 'File of a clip',
  ClipFailed: 'A clip failed',
  ClipDeleted: 'A clip is deleted',
};

/** The name of an event's type, `TaskAnswered` of `results.TaskAnswered.v1`. */
const nameOf = (/** @type {string} */ type) => type.split('.')[1] ?? type;

/** What an event is, in a few words. */
export const eventTitle = (/** @type {{ type: string }} */ { type }) => EVENTS[nameOf(type)] ?? nameOf(type);

/** Where to look for what an event told, when the result does not change with it. */
export function eventHint(/** @type {{ type: string }} */ { type }) {
  const name = nameOf(type);
  if (name === 'FigmaInteractionRecorded') return ' An interaction is shown once its task is answered.';
  if (/^(VideoRecorded|Clip|SessionTranscribed)/.test(name)) return ' What it tells of is shown with the recording.';
  return '';
}

/** What an event tells, in a line; empty where its title says it all. */
export function eventWords(/** @type {{ type: string, data: any }} */ { type, data }) {
  const { type: kind, ...payload } = data.answer ?? {};
  switch (nameOf(type)) {
    case 'SessionStarted': return productTypeText(data.productType);
    case 'ParticipantProfiled': return `${data.demographics?.length ?? 0} demographics`;
    case 'TaskAnswered': return `“${cut(data.text)}” – ${cut(answerWords(kind, payload), 120)}`;
    case 'TaskSkipped': return `“${cut(data.text)}” – ${say(data.reason)}`;
    case 'FigmaInteractionRecorded': return `${interactionWords(data)} at ${clock(data.atMs)}`;
    case 'VerbalResponseTranscribed': return `“${cut(data.text, 120)}”`;
    case 'TaskGroupScored': return `${data.label}: ${data.score}`;
    case 'ComparisonSequenced': return data.sequence;
    case 'SessionTranscribed': return `${data.cues.length} cues`;
    case 'SessionAbandoned': return data.cause ? say(data.cause) : data.reason ?? '';
    case 'ClipCreated': return `“${cut(data.name)}”, ${clock(data.timeStartMs)}–${clock(data.timeEndMs)}`;
    case 'ClipFailed': return data.reason ?? '';
    default: return '';
  }
}

/** What an interaction with a Figma prototype was. */
export function interactionWords(/** @type {any} */ { kind, presentedNodeId, targetNodeId }) {
  switch (kind) {
    case 'INITIAL_LOAD': return 'The prototype is loaded';
    case 'PRESENTED_NODE_CHANGED': return `Screen ${presentedNodeId} comes up`;
    case 'MOUSE_PRESS_OR_RELEASE': return targetNodeId ? `Click on ${targetNodeId}` : 'Click';
    case 'NEW_STATE': return 'A component changes its state';
    default: return say(kind);
  }
}

/** @type {Record<string, string>} */
const MEMBERS = {
  sessionParticipant: 'Participant',
  participantId: 'id',
  finishTime: 'End',
  startTime: 'Start',
  abandonCause: 'Why it was abandoned',
  startTimeMs: 'begin',
  endTimeMs: 'end',
  startMs: 'begin',
  endMs: 'end',
  atMs: 'at',
  figmaPrototypeTitle: 'title of the prototype',
  figmaPrototypeDisplaySetting: 'display setting',
  qxScore: 'QX score',
};

// Members that only wrap others, and the keys under which answers stand.
const SILENT = new Set([
  'tasks', 'taskGroups', 'demographicsInfo', 'response', 'blank', 'ratingScale', 'multipleChoice', 'image', 'nps', 'url', 'rankOrder',
  'written', 'figma', 'matrix',
]);

/** A path in plain words, from the whole to its part: `Task 3 “How easy was it?” › answer › value`. */
export function pathWords(/** @type {Step[]} */ path) {
  /** @type {string[]} */
  const words = [];
  path.forEach((step, place) => {
    const list = path[place - 1];
    if (typeof step === 'object') words.push(itemWords(step, typeof list === 'string' ? list : ''));
    else if (!SILENT.has(step) || place === path.length - 1) words.push(MEMBERS[step] ?? spaced(step));
  });
  const [first, ...rest] = words;
  return [first.charAt(0).toUpperCase() + first.slice(1), ...rest].join(' › ');
}

/**
 * @param {{ item: any, index: number }} step
 * @param {string} list
 */
function itemWords({ item, index }, list) {
  if (list === 'tasks') return `Task ${index + 1} “${cut(item.text ?? '', 60)}”`;
  if (list === 'taskGroups') return say(item.type);
  return item?.label ?? item?.text ?? `${spaced(list).replace(/s$/, '')} ${index + 1}`;
}

const spaced = (/** @type {string} */ name) => name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

/** A value that was added, changed or removed, in plain words. */
export function valueWords(/** @type {any} */ value, /** @type {Step[]} */ path) {
  const last = path.at(-1);
  const list = path.at(-2);
  const name = typeof last === 'string' ? last : '';
  if (typeof value === 'number' && name.endsWith('Ms')) return clock(value);
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string' && /Time$/.test(name)) return momentWords(value);
  if (typeof value === 'string') return isCode(name) ? wordsOfCode(name, value) : value;
  if (typeof value !== 'object' || value === null) return String(value);
  if (list === 'tasks') return taskWords(value);
  if (list === 'taskGroups') return value.response?.score?.toString() ?? value.response?.sequence ?? '';
  if (list === 'demographicsInfo') return value.value ?? '';
  if (name === 'answer') return keyed(value);
  if (Array.isArray(value)) return value.map(item => item?.text ?? item?.label ?? item?.url ?? leaves(item)).join(' · ');
  return leaves(value);
}

/** Members whose values are codes of the API. */
const isCode = (/** @type {string} */ name) => ['type', 'productType', 'status', 'abandonCause', 'outcome', 'category'].includes(name);

const wordsOfCode = (/** @type {string} */ name, /** @type {string} */ value) =>
  name === 'productType' ? productTypeText(value) : name === 'type' ? sayType(value) : say(value);

const taskWords = (/** @type {any} */ { response: { skipped, answer } }) =>
  skipped ? 'skipped' : answer ? keyed(answer) : 'no answer yet';

function keyed(/** @type {Record<string, any>} */ answer) {
  const [[key, payload]] = Object.entries(answer);
  return answerWords(key.replaceAll(/([A-Z])/g, '_$1').toUpperCase(), payload);
}

/** The values within an object or a list, a few of them. */
function leaves(/** @type {any} */ value) {
  const most = 8;
  /** @type {string[]} */
  const found = [];
  const walk = (/** @type {any} */ part, /** @type {string} */ name) => {
    if (found.length > most || part === null) return;
    if (typeof part === 'object') Object.entries(part).forEach(([key, inner]) => walk(inner, Array.isArray(part) ? name : key));
    else found.push(`${MEMBERS[name] ?? spaced(name)} ${valueWords(part, [name])}`.trim());
  };
  walk(value, '');
  return found.length > most ? `${found.slice(0, most).join(', ')}, …` : found.join(', ');
}
