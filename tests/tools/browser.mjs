// The browser that tests use: that of the machine, which asks nobody but whom it is told to.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

/** How long a step waits for what it expects, in milliseconds: as the other tests do, which run beside it on a busy machine. */
export const PATIENCE = 120_000;

/** Starts it. Where there is none the program prints null, and ends. */
export async function launch() {
  const executablePath = [
    '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ].find(existsSync);
  if (!executablePath) {
    console.log('null');
    process.exit(0);
  }

  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server'],
  });
}
