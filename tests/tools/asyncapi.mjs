// Parses an AsyncAPI document: node asyncapi.mjs FILE. Prints what the parser has to say as JSON, and fails where there is no document.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';

const { Parser } = createRequire(import.meta.url)('@asyncapi/parser');

const file = resolve(process.argv[2]);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'), { source: pathToFileURL(file).href });
console.log(JSON.stringify({
  channels: document?.channels().all().map((channel) => channel.address()),
  messages: document?.messages().all().map((message) => message.id()),
  diagnostics: diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join('.'), severity })),
}, null, 1));
process.exit(document ? 0 : 1);
