#!/usr/bin/env bash
# Serves this folder as if it were a cluster: run.sh BINDGUARD FOLDER LISTEN ADMIN_LISTEN
set -euo pipefail

bindguard=$1 folder=$2 listen=$3 admin=$4
examples=$(dirname "$0")
mkdir -p "$folder"

cat >&2 <<END

bindguard serves $examples as its cluster on https://$listen (metrics: http://$admin/metrics). Ctrl-C ends it.
In another terminal, from this folder, ask it as the API server would:

a team without companions, refused:
  curl -sS --cacert $folder/ca.pem --json @$examples/reviews/uncovered.json https://$listen/validate

a team with both, allowed:
  curl -sS --cacert $folder/ca.pem --json @$examples/reviews/covered.json https://$listen/validate

END
exec "$bindguard" serve --manifests "$examples" --listen "$listen" --admin-listen "$admin" \
  --write-ca "$folder/ca.pem" --log-format text
