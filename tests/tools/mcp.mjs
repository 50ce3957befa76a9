// Asks the server for agents by a client that is not ours: node mcp.mjs. The input is JSON: { address, callers: [{ clientId, clientSecret, asks: [ask] }] };
// an ask is { tool, arguments }, { rest, arguments } (calls the tool until it has all items or characters of arguments.path), { pages, arguments } (calls
// the tool until its pages are at their end), { resource }, or { list: 'tools' }.
// The output is, for each caller, what each ask was answered. Metadata is found by the SDK from the server's address; it holds answers against the tools' schemas.
// Its own provider for client credentials does not read ours, which lacks an authorization endpoint: there are no logins.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { discoverOAuthProtectedResourceMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

let input = '';
for await (const part of process.stdin) input += part;
const { address, callers } = JSON.parse(input);
const output = [];
for (const { clientId, clientSecret, asks } of callers) {
  const client = new Client({ name: 'tests', version: '1.0.0' });
  const headers = { Authorization: `Bearer ${await token(new URL('mcp', address), clientId, clientSecret)}` };
  await client.connect(new StreamableHTTPClientTransport(new URL('mcp', address), { requestInit: { headers } }));
  const { tools } = await client.listTools();
  const answers = [];
  for (const one of asks) {
    try {
      answers.push(await ask(client, tools, one));
    } catch (e) {
      answers.push({ code: e.code, message: e.message });
    }
  }
  output.push({ server: client.getServerVersion(), instructions: client.getInstructions(), protocol: client.transport.protocolVersion, answers });
  await client.close();
}
console.log(JSON.stringify(output));

// Of the addresses in the metadata only the paths count: the service does not know its port where the system has chosen it.
async function token(server, clientId, clientSecret) {
  const here = href => new URL(new URL(href).pathname, server);
  const resource = await discoverOAuthProtectedResourceMetadata(server);
  if (here(resource.resource).href !== server.href) throw new Error(`The metadata is of ${resource.resource}`);
  const issuer = await (await fetch(new URL('.well-known/oauth-authorization-server', here(resource.authorization_servers[0])))).json();
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: resource.scopes_supported.join(' '), client_id: clientId, client_secret: clientSecret });
  return (await (await fetch(here(issuer.token_endpoint), { method: 'POST', body: form })).json()).access_token;
}

async function ask(client, tools, { tool, rest, pages, resource, list, arguments: values }) {
  if (pages) return { pages: await pagesOf(client, pages, values) };
  if (tool) return client.callTool({ name: tool, arguments: values });
  if (resource) return client.readResource({ uri: resource });
  if (list === 'tools') return tools;
  if (list === 'resources') return client.listResources();
  if (list === 'templates') return client.listResourceTemplates();

  let offset = 0;
  const parts = [];
  const sizes = [];
  do {
    const answer = await client.callTool({ name: rest, arguments: { ...values, offset } });
    if (answer.isError) return answer;
    sizes.push(Buffer.byteLength(answer.content[0].text));
    parts.push(answer.structuredContent.value);
    offset = answer.structuredContent.cut?.places.find(place => place.path === values.path)?.nextOffset;
  } while (offset !== undefined);
  return { sizes, value: typeof parts[0] === 'string' ? parts.join('') : parts.flat() };
}

async function pagesOf(client, name, values) {
  const pages = [];
  do {
    const answer = await client.callTool({ name, arguments: { ...values, after: pages.at(-1)?.structuredContent.nextAfter } });
    if (answer.isError) return [answer];
    pages.push(answer);
  } while (pages.at(-1).structuredContent.nextAfter);
  return pages;
}
