// Verifies messages of webhooks by a library that is not ours: node webhook.mjs. Each line of input is a message as JSON {secret, headers, body};
// each line of output is what is wrong with it as JSON, or null.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { Webhook } = createRequire(import.meta.url)('standardwebhooks');

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  let problem = null;
  try {
    new Webhook(secret).verify(body, headers);
  } catch (e) {
    problem = e.message;
  }
  console.log(JSON.stringify(problem));
}
