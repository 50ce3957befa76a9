"""Publishes events to RabbitMQ. Needs pika (pip install pika, or Debian's python3-pika)."""
import json, os, sys, time
import pika

URL = os.environ.get("RABBITMQ_URL", "amqp://guest:guest@localhost:5672/%2F")
QUEUE = "results.session-events"


def publish(events):
    """Returns when the broker has all of them on disk. The same ids every time: publishing again is always safe."""
    waiting, wait = list(events), 1
    while waiting:
        try:
            connection = pika.BlockingConnection(pika.URLParameters(URL))
            channel = connection.channel()
            channel.confirm_delivery()
            while waiting:
                channel.basic_publish(
                    "", QUEUE, json.dumps(waiting[0]).encode(), mandatory=True,  # An error where there is no queue.
                    properties=pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2))
                waiting.pop(0)  # Confirmed.
            connection.close()
        except (pika.exceptions.AMQPError, OSError) as error:
            print(f"{error!r}; {len(waiting)} events wait", file=sys.stderr)
            time.sleep(wait)
            wait = min(wait * 2, 60)


if __name__ == "__main__":
    publish(json.load(sys.stdin))
    print("published")
