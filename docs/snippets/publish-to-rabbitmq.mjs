// Publishes events to RabbitMQ. Node.js 18 or later, and amqplib (npm install amqplib).
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import amqp from 'amqplib';

const url = process.env.RABBITMQ_URL ?? 'amqp://guest:guest@localhost:5672/%2F';
const queue = 'results.session-events';

/** Returns when the broker has all of them on disk. The same ids every time: publishing again is always safe. */
async function publish(events) {
  const waiting = [...events];
  for (let wait = 1; waiting.length > 0; wait = Math.min(wait * 2, 60)) {
    let connection;
    try {
      connection = await amqp.connect(url);
      connection.on('error', () => {}); // The calls below fail with it.
      const channel = await connection.createConfirmChannel();
      let lost;
      channel.on('error', error => { lost = error; });
      channel.on('return', () => { lost = new Error(`there is no queue ${queue}`); });
      while (waiting.length > 0) {
        channel.publish('', queue, Buffer.from(JSON.stringify(waiting[0])),
          { contentType: 'application/cloudevents+json', persistent: true, mandatory: true });
        await channel.waitForConfirms();
        if (lost) throw lost;
        waiting.shift(); // Confirmed.
      }
      await connection.close();
    } catch (error) {
      console.error(`${error}; ${waiting.length} events wait`);
      await connection?.close().catch(() => {}); // It may be closed already.
      await sleep(1000 * wait);
    }
  }
}

await publish(JSON.parse(await text(process.stdin)));
console.log('published');
