#!/bin/bash
# Asks every broker and controller in this container to stop.
stopped=1
for process in /proc/[0-9]*; do
  if tr '\0' ' ' <"$process/cmdline" 2>/dev/null | grep -q '^[^ ]*java .* kafka\.Kafka '; then
    kill -s "${SIGNAL:-TERM}" "${process#/proc/}" && stopped=0
  fi
done
[[ $stopped == 0 ]] || echo "No kafka server to stop"
exit $stopped
