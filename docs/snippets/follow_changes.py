"""Keeps a copy of all sessions in a folder, a file each. Python 3.9 or later, no packages. With --once it ends when the copy is whole."""
import http.client, json, os, pathlib, sys, time, urllib.error, urllib.parse, urllib.request

URL = os.environ.get("RESULTS_URL", "http://localhost:5080")
CLIENT = os.environ.get("RESULTS_CLIENT", "demo")
SECRET = os.environ.get("RESULTS_SECRET", "demo-secret")
COPY = pathlib.Path(os.environ.get("RESULTS_COPY", "copy"))
CURSOR = COPY / "cursor"


def get(url, headers, body=None):
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120) as answer:
        return json.load(answer)


def token():
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    return get(URL + "/oauth2/token", {}, urllib.parse.urlencode(form).encode())["access_token"]


def write(file, text):
    """A file is there whole or as it was, also when the program is killed."""
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def take(change):
    file = COPY / (change["workspaceId"] + "." + change["sessionId"] + ".json")
    if change["kind"] == "upserted" and "session" in change:
        write(file, json.dumps(change["session"]))
    elif change["kind"] == "removed" and file.exists() and json.loads(file.read_text(encoding="utf-8"))["testId"] == change["testId"]:
        file.unlink()


def follow(once):
    COPY.mkdir(parents=True, exist_ok=True)
    bearer, pause = None, 1
    while True:
        query = {"include": "session", "limit": 500, "wait": 0 if once else 60}
        if CURSOR.exists():
            query["after"] = CURSOR.read_text()
        try:
            bearer = bearer or token()
            page = get(URL + "/api/v3/changes?" + urllib.parse.urlencode(query), {"Authorization": "Bearer " + bearer})
        except urllib.error.HTTPError as error:
            if error.code == 410:  # What was removed since is not known any more: begin anew.
                for file in COPY.iterdir():
                    file.unlink()
                continue
            if error.code == 401 and bearer:
                bearer = None  # It has expired.
            elif error.code != 429 and error.code < 500:
                raise SystemExit(f"refused, and no use to ask again: {error.code} {error.read().decode()}")
            time.sleep(float(error.headers.get("Retry-After") or pause))
            pause = min(pause * 2, 60)
            continue
        except (OSError, http.client.HTTPException):
            time.sleep(pause)
            pause = min(pause * 2, 60)
            continue
        pause = 1
        # First the changes, then the cursor: what is cut off in between comes again, and is the same.
        for change in page["changes"]:
            take(change)
        write(CURSOR, page["nextCursor"])
        if once and page["isAtEnd"]:
            return


if __name__ == "__main__":
    follow("--once" in sys.argv)
