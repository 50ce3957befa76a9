// Sends events over HTTP. Node.js 18 or later, no packages.
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const url = process.env.RESULTS_URL ?? 'http://localhost:5080';
const client = process.env.RESULTS_CLIENT ?? 'demo';
const secret = process.env.RESULTS_SECRET ?? 'demo-secret';

async function token() {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: client, client_secret: secret });
  return fetch(`${url}/oauth2/token`, { method: 'POST', body, signal: AbortSignal.timeout(30_000) });
}

/** Returns when the events are stored. The same ids every time: sending again is always safe. */
async function send(events) {
  const body = JSON.stringify(events);
  let bearer;
  for (let wait = 1; ; wait = Math.min(wait * 2, 60)) {
    let answer;
    try {
      if (!bearer) {
        answer = await token();
        if (answer.ok) bearer = (await answer.json()).access_token;
      }
      if (bearer) {
        answer = await fetch(`${url}/api/v2/sessionEvents`, {
          method: 'POST', body, signal: AbortSignal.timeout(30_000),
          headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/cloudevents-batch+json' },
        });
        if (answer.ok) return await answer.json();
      }
    } catch {
      answer = undefined; // No answer: it may be stored or not.
    }
    if (answer?.status === 401 && bearer) bearer = undefined; // It has expired.
    else if (answer && answer.status !== 429 && answer.status < 500)
      throw new Error(`refused, and no use to send again: ${answer.status} ${await answer.text()}`);
    await sleep(1000 * (Number(answer?.headers.get('retry-after')) || wait));
  }
}

console.log(await send(JSON.parse(await text(process.stdin))));
