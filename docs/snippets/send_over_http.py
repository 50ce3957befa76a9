"""Sends events over HTTP. Python 3.9 or later, no packages."""
import http.client, json, os, sys, time, urllib.error, urllib.parse, urllib.request

URL = os.environ.get("RESULTS_URL", "http://localhost:5080")
CLIENT = os.environ.get("RESULTS_CLIENT", "demo")
SECRET = os.environ.get("RESULTS_SECRET", "demo-secret")


def post(path, body, headers):
    request = urllib.request.Request(URL + path, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def token():
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    return post("/oauth2/token", urllib.parse.urlencode(form).encode(), {})["access_token"]


def send(events):
    """Returns when the events are stored. The same ids every time: sending again is always safe."""
    body, bearer, wait = json.dumps(events).encode(), None, 1
    while True:
        try:
            bearer = bearer or token()
            return post("/api/v2/sessionEvents", body, {
                "Authorization": "Bearer " + bearer,
                "Content-Type": "application/cloudevents-batch+json"})
        except urllib.error.HTTPError as error:
            if error.code == 401 and bearer:
                bearer = None  # It has expired.
            elif error.code != 429 and error.code < 500:
                raise SystemExit(f"refused, and no use to send again: {error.code} {error.read().decode()}")
            pause = float(error.headers.get("Retry-After") or wait)
        except (OSError, http.client.HTTPException):
            pause = wait  # No answer: it may be stored or not.
        time.sleep(pause)
        wait = min(wait * 2, 60)


if __name__ == "__main__":
    print(send(json.load(sys.stdin)))
