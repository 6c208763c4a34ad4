#!/bin/sh
# The program of the backup's pods in restic's image:
#
#   target.sh send        copies the backup that was just proven to the target, deletes the surplus there, checks the rest
#   target.sh list        prints the copies as JSON: restic's snapshots
#   target.sh read NAME   prints the copy of a backup
#
# Environment: restic's own, BACKUPS, BACKUPS_KEPT, NAMESPACE, PROOF and REASON. Needs a POSIX shell, grep, sed and timeout.
set -eu
command=$1 path=$BACKUPS/${2:-}

run() {
    timeout 120 restic --no-cache --retry-lock 1m "$@"
}

# restic tries again for 15 minutes. Why it does not get on is its first line, if it has one by then.
code=0
problem=$(timeout -s KILL 30 restic --no-cache --no-lock cat config 2>&1 >/dev/null) || code=$?
if [ "$code" -eq 10 ] && [ "$command" = send ]; then
    run init # There is no repository yet.
elif [ "$code" -ne 0 ]; then
    printf '%s\n' "${problem:-The target $RESTIC_REPOSITORY does not answer.}" | head -n 1 >&2
    exit 1
fi

case $command in
send)
    name=$(cat "${PROOF%/*}/name")
    # An empty chat would push out copies that have messages.
    case $name in *Z-0-*) echo "$name has no messages, so there is nothing to copy." && exit ;; esac
    # The name's time keeps the order in which backups were made, even if the clock was turned back.
    time=$(echo "$name" | sed 's/^\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z.*/\1-\2-\3 \4:\5:\6/')
    run unlock # Removes only locks of runs that were killed.
    run backup --host "$NAMESPACE" --tag "$REASON" --time "$time" "$BACKUPS/$name"
    # A run that was killed leaves its lock for 30 minutes. Until then, the surplus stays.
    run forget --group-by host,tags --keep-last "$BACKUPS_KEPT" --prune || [ $? -eq 11 ]
    run check --no-lock
    if ! run snapshots --no-lock --json --path "$BACKUPS/$name" | grep -q paths; then
        echo "$RESTIC_REPOSITORY keeps copies with later names instead of $name. Use another prefix for backupTarget." >&2
        exit 1
    fi
    ;;
list) run snapshots --no-lock --json ;;
read) run dump --no-lock --path "$path" latest "$path" ;;
esac
