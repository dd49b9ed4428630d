#!/usr/bin/env bash
# Appends to a running service, reads, follows, restarts it, and resumes.
#
# usage: [AUTHORIZATION='Authorization: Bearer …'] smoke.sh URL RESTART-COMMAND...
set -euo pipefail

url=$1
shift
stream=$url/sessions/smoke/messages/m$(date +%s)

ask() { curl -sS --fail-with-body --max-time 20 ${AUTHORIZATION:+-H "$AUTHORIZATION"} "$@"; }
is_ready() { curl -s -o /dev/null --fail --retry 60 --retry-delay 1 --retry-all-errors "$url/readyz"; }
append() { ask "$stream/events" -H 'Content-Type: application/json' -d "$1"; }

expect() { # WHAT EXPECTED ACTUAL
  if [[ $3 != *"$2"* ]]; then
    printf '%s: expected %s in:\n%s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
  printf 'ok: %s\n' "$1"
}

is_ready
expect 'append' '"nextOffset":2' "$(append '[{"type":"answer","content":"one"},{"type":"answer","content":"two"}]')"
expect 'read' '"content":"two"' "$(ask "$stream/events?offset=1")"
# curl is to give up: the stream has not ended.
feed=$(ask -N --max-time 2 "$stream/stream" 2>/dev/null || true)
expect 'follow' '"content":"two"' "$feed"
id=$(grep '^id: 2-' <<<"$feed" | cut -c 5-)

"$@"
is_ready
expect 'append after the restart' '"nextOffset":4' "$(append '[{"type":"answer","content":"three"},{"type":"complete"}]')"
rest=$(ask -N "$stream/stream" -H "Last-Event-ID: $id")
expect 'resume' '"content":"three"' "$rest"
expect 'resume, to the end' '"type":"complete"' "$rest"
if [[ $rest == *'"two"'* ]]; then
  echo 'resume: an event came twice' >&2
  exit 1
fi
echo 'ok: nothing came twice'
