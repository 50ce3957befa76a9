// Parses WebVTT from standard input as the specification asks validators to, and prints errors and cues as JSON.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const { WebVTTParser } = createRequire(import.meta.url)('webvtt-parser');
const entities = createRequire(import.meta.url)('webvtt-parser/html-entities.json');
const { errors, cues } = new WebVTTParser(entities).parse(readFileSync(0, 'utf8'), 'subtitles/captions/descriptions');
const text = (node) => (node.type === 'text' ? node.value : (node.children ?? []).map(text).join(''));
const voice = (node) => (node.name === 'v' ? node.value : (node.children ?? []).map(voice).find(Boolean));
console.log(JSON.stringify({
  errors: errors.map((error) => `${error.line}:${error.col ?? ''} ${error.message}`),
  cues: cues.map((cue) => ({ start: Math.round(cue.startTime * 1000), end: Math.round(cue.endTime * 1000), speaker: voice(cue.tree) ?? null, text: text(cue.tree) })),
}));
