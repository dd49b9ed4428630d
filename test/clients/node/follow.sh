#!/usr/bin/env bash
# Follows a feed to its end with curl, and prints the id and the data of each event on a line.
#
# usage: follow.sh URL [options of curl]
url=$1
shift
last_id=
while true; do
  id=$last_id data= status=
  # `read` leaves out a line that the end of the response tore.
  while IFS= read -r line; do
    case $line in
      HTTP/*) status=${line#* } status=${status%% *} ;;
      'data: '*) data=${line#data: } ;;
      'id: '*) id=${line#id: } ;;
      '')
        if [ -n "$data" ]; then printf '%s %s\n' "$id" "$data"; fi
        last_id=$id data=
        ;;
    esac
  done < <(curl --silent --no-buffer --include "$@" ${last_id:+--header "Last-Event-ID: $last_id"} "$url")
  case $status in 204 | 401 | 403) exit ;; esac
  sleep 2
done
