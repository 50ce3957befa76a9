#!/usr/bin/env bash
# A smoke test of a running service: asks for a token, records a session, and reads it.
#
#   CLIENT=… SECRET=… WORKSPACE=… smoke.sh URL [URL]
#
# URL        a node or a proxy, such as http://localhost:5080; with two, what is written through the first is read through the second
# CLIENT     a client with the scopes studies:read and events:write, its SECRET, and one of its workspaces. Without them: those of Development
#
# It leaves a session of three events in that workspace. Exit code 0 when every answer was right.
set -euo pipefail

write=${1:?say where the service is, such as http://localhost:5080}
read=${2:-$write}
client=${CLIENT:-demo}
secret=${SECRET:-demo-secret}
workspace=${WORKSPACE:-0d3a0000-0000-4000-8000-0000000000a1}

fail() {
  echo "smoke.sh: $*" >&2
  exit 1
}

# What is expected, a status and a pattern of the body; then the request, as curl takes it. The body is in $body then.
ask() {
  local expected=$1 pattern=$2 status
  shift 2
  body=$(curl -sS --max-time 30 --write-out '\n%{http_code}' "$@") || fail "no answer: ${*: -1}"
  status=${body##*$'\n'}
  body=${body%$'\n'*}
  [ "$status" = "$expected" ] || fail "$status and not $expected from ${*: -1}: $body"
  grep -q "$pattern" <<<"$body" || fail "no $pattern from ${*: -1}: $body"
}

uuid() {
  od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\)$/\1-\2-4\3-8\4-\5/'
}

for node in "$write" "$read"; do
  ask 200 '^{"status":"Healthy"' "$node/health/ready"
  ask 401 '"status":401' "$node/api/v3/sessionResults/$(uuid)"
done
ask 200 access_token --data-urlencode grant_type=client_credentials --data-urlencode "client_id=$client" --data-urlencode "client_secret=$secret" "$write/oauth2/token"
token=$(sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p' <<<"$body")
caller=(-H "Authorization: Bearer $token")

session=$(uuid) test=$(uuid) task=$(uuid)
event() {
  printf '{"specversion":"1.0","id":"%s","source":"/smoke","type":"results.%s.v1","subject":"%s","time":"2026-03-01T10:15:0%s.000Z","data":%s}' "$(uuid)" "$1" "$session" "$2" "$3"
}
events="[$(event SessionStarted 0 "{\"workspaceId\":\"$workspace\",\"testId\":\"$test\",\"productType\":\"SURVEY\",\"startedAt\":\"2026-03-01T10:15:00Z\"}"),\
$(event TaskAnswered 4 "{\"taskId\":\"$task\",\"position\":0,\"text\":\"How likely are you to recommend us?\",\"startTimeMs\":1000,\"endTimeMs\":4000,\"answer\":{\"type\":\"NPS\",\"score\":9}}"),\
$(event SessionCompleted 9 '{"finishedAt":"2026-03-01T10:15:09Z"}')]"
send=("${caller[@]}" -H 'Content-Type: application/cloudevents-batch+json' --data-binary "$events" "$write/api/v2/sessionEvents")
ask 200 '"accepted":3,"duplicates":0' "${send[@]}"
ask 200 '"accepted":0,"duplicates":3' "${send[@]}"

ask 200 '"nps": *{' "${caller[@]}" "$read/api/v3/sessionResults/$session"
ask 200 '"taskType": *"NPS"' "${caller[@]}" "$read/api/v2/sessionResults/$session"
ask 200 "\"sessionId\": *\"$session\"" "${caller[@]}" "$read/api/v2/sessionResults?testId=$test"
ask 404 '"status":404' "${caller[@]}" "$read/api/v3/sessionResults/$(uuid)"
ask 400 '"must be a UUID"' "${caller[@]}" "$read/api/v3/sessionResults/nonsense"
echo "session $session: written through $write, read through $read"
