// Checks answers against an OpenAPI description: node check.mjs FILE. Each line of input is an answer as JSON
// {method, path, status, contentType, body}, or a message of a webhook, whose method is WEBHOOK and whose path is its kind; each line of output is what is wrong with it as JSON, or null.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

const api = JSON.parse(readFileSync(process.argv[2], 'utf8'));

// Clients have to take members they do not know; what is sent has to be described.
const close = (schema) => {
  if (schema === null || typeof schema !== 'object') return;
  if (schema.properties && schema.additionalProperties === undefined) schema.additionalProperties = false;
  Object.values(schema).forEach(close);
};
close(api);

const ajv = addFormats(new Ajv({ strict: false, allErrors: true, validateFormats: true, formats: { int32: true, int64: true } }));
ajv.addSchema(api, 'api');

const routes = Object.keys(api.paths).map((path) => ({
  path, pattern: new RegExp(`^${path.replace(/\{[^}]+\}/g, '[^/]+')}$`), parameters: path.split('{').length,
}));
// The route with the fewest parameters is the one that is meant.
routes.sort((a, b) => a.parameters - b.parameters);

const escape = (part) => encodeURIComponent(part.replace(/~/g, '~0').replace(/\//g, '~1'));
const resolve = (node) => (node?.$ref ? node.$ref.slice(2).split('/').reduce((at, part) => at[part], api) : node);
const pointer = (parts) => `api#/${parts.map(escape).join('/')}`;

const check = ({ method, path, status, contentType, body }) => {
  if (method === 'WEBHOOK') {
    const sent = ['webhooks', path, 'post', 'requestBody', 'content', contentType, 'schema'];
    const validate = ajv.getSchema(pointer(sent));
    return validate(JSON.parse(body)) ? null : `${path}: ${ajv.errorsText(validate.errors)}`;
  }

  const route = routes.find(({ pattern }) => pattern.test(path));
  const operation = route && api.paths[route.path][method.toLowerCase()];
  if (!operation) return null;

  const response = operation.responses[status];
  if (!response) return `${operation.operationId}: ${status} is not described`;

  const media = contentType?.split(';')[0].trim().toLowerCase();
  const content = resolve(response).content ?? {};
  if (!content[media]) return `${operation.operationId}: ${status} with ${contentType} is not described`;

  const at = response.$ref ? response.$ref.slice(2).split('/') : ['paths', route.path, method.toLowerCase(), 'responses', String(status)];
  const validate = ajv.getSchema(pointer([...at, 'content', media, 'schema']));
  const value = /[/+]json$/.test(media) ? JSON.parse(body) : body;
  return validate(value) ? null : `${operation.operationId}: ${status}: ${ajv.errorsText(validate.errors)}`;
};

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(check(JSON.parse(line))));
}
