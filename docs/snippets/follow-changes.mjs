// Keeps a copy of all sessions in a folder, a file each. Node.js 18 or later, no packages. With --once it ends when the copy is whole.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const url = process.env.RESULTS_URL ?? 'http://localhost:5080';
const client = process.env.RESULTS_CLIENT ?? 'demo';
const secret = process.env.RESULTS_SECRET ?? 'demo-secret';
const copy = process.env.RESULTS_COPY ?? 'copy';
const once = process.argv.includes('--once');

const read = (name) => readFile(join(copy, name), 'utf8').catch(() => undefined);

/** A file is there whole or as it was, also when the program is killed. */
async function write(name, text) {
  await writeFile(join(copy, `${name}.part`), text);
  await rename(join(copy, `${name}.part`), join(copy, name));
}

async function take(change) {
  const name = `${change.workspaceId}.${change.sessionId}.json`;
  if (change.kind === 'upserted' && change.session) return write(name, JSON.stringify(change.session));
  const held = change.kind === 'removed' && await read(name);
  if (held && JSON.parse(held).testId === change.testId) await rm(join(copy, name));
}

async function token() {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: secret });
  return fetch(`${url}/oauth2/token`, { method: 'POST', body, signal: AbortSignal.timeout(30_000) });
}

await mkdir(copy, { recursive: true });
for (let bearer, pause = 1; ;) {
  const query = new URLSearchParams({ include: 'session', limit: '500', wait: once ? '0' : '60' });
  const cursor = await read('cursor');
  if (cursor) query.set('after', cursor);
  let answer;
  try {
    if (!bearer) {
      answer = await token();
      if (answer.ok) bearer = (await answer.json()).access_token;
    }
    if (bearer) {
      answer = await fetch(`${url}/api/v3/changes?${query}`, { headers: { Authorization: `Bearer ${bearer}` }, signal: AbortSignal.timeout(120_000) });
      if (answer.ok) {
        const page = await answer.json();
        // First the changes, then the cursor: what is cut off in between comes again, and is the same.
        for (const change of page.changes) await take(change);
        await write('cursor', page.nextCursor);
        if (once && page.isAtEnd) break;
        pause = 1;
        continue;
      }
    }
  } catch (error) {
    if (error.code) throw error; // Of the folder. Without one: no answer.
    answer = undefined;
  }
  if (answer?.status === 410) { // What was removed since is not known any more: begin anew.
    for (const name of await readdir(copy)) await rm(join(copy, name));
    continue;
  }
  if (answer?.status === 401 && bearer) bearer = undefined; // It has expired.
  else if (answer && answer.status !== 429 && answer.status < 500)
    throw new Error(`refused, and no use to ask again: ${answer.status} ${await answer.text()}`);
  await sleep(1000 * (Number(answer?.headers.get('retry-after')) || pause));
  pause = Math.min(pause * 2, 60);
}
