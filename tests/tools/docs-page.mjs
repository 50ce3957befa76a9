// Opens the page at /docs in a browser, sends a request from it as a person would, and prints what came of it as JSON, or null
// where there is no browser: node docs-page.mjs URL TOKEN PATH, where PATH is that of the operation to try.
import { launch } from './browser.mjs';

const [url, token, path] = process.argv.slice(2);
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const hosts = new Set();
  const errors = [];
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));

  // The page makes what is looked at first.
  await page.goto(`${url}#tag/sessions/GET${path}`);
  await page.getByPlaceholder('Token').first().fill(token);
  await page.getByRole('button', { name: `Test Request (get ${path})` }).click();
  const answered = page.waitForResponse((response) => response.url().includes('/api/'));
  await page.getByRole('button', { name: /^Send Request/ }).click();
  const answer = await answered;
  const shown = page.getByText(`${answer.status()} ${answer.statusText()}`).first();
  await shown.waitFor();
  console.log(JSON.stringify({
    title: await page.title(), hosts: [...hosts], errors, sent: new URL(answer.url()).pathname, status: answer.status(), shown: await shown.innerText(), body: await answer.json(),
  }));
} finally {
  await browser.close();
}
