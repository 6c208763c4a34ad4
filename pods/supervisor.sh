#!/bin/sh
# Runs the api, restarts it at once if it ends, and stops it between two writes of its file.
#
#   sh supervisor.sh COMMAND [ARGUMENT]...
#
# A restart comes after 0.1 to 1 s, at most 20 times in 60 s. Beyond that, and after three ends in a row within a second of
# the start, this script exits with the api's exit code, so that a crash loop is one for Kubernetes as well.

file=${API_DB_FILEPATH:-}
run=${RUN:-/run/synergychat}
limit=${RESTART_LIMIT:-20}
newline='
'

# Hundredths of a second since the machine was started.
now() {
    read -r uptime _ < /proc/uptime
    echo "${uptime%.*}${uptime#*.}"
}

# Whether no thread of the api runs any more.
is_stopped() {
    for task in /proc/"$child"/task/*/status; do
        [ -e "$task" ] || continue
        while read -r key state _; do
            if [ "$key" = State: ]; then
                [ "$state" = T ] || return 1
                break
            fi
        done < "$task"
    done
}

# Whether the api's file ends as the app ends it: with "]" in a line of its own, or as an empty list.
is_complete() {
    [ -n "$file" ] && [ -s "$file" ] || { [ ! -e "$file" ] && return 0; return 1; }
    end=$(tail -c 2 "$file") || return 0
    [ "$end" = "$newline]" ] || { [ "$end" = "[]" ] && [ "$(wc -c < "$file")" -eq 2 ]; }
}

# Ends the api while its file is complete: it is stopped, looked at, and let run on for a moment if it is writing.
stop() {
    stopping=yes
    tries=0
    while kill -STOP "$child" 2> /dev/null; do
        until is_stopped; do :; done
        if is_complete || [ "$tries" -ge 200 ]; then
            break
        fi
        kill -CONT "$child"
        sleep 0.01
        tries=$((tries + 1))
    done
    kill "-${1:-TERM}" "$child" 2> /dev/null
    kill -CONT "$child" 2> /dev/null
}

child=
stopping=
trap stop TERM
for signal in HUP INT QUIT USR1 USR2; do
    # shellcheck disable=SC2064
    trap "kill -$signal \"\$child\"" "$signal"
done

restarts=
quick=0
while :; do
    started=$(now)
    "$@" &
    child=$!
    # A signal interrupts `wait`, so it is called until the api is gone.
    code=0
    while kill -0 "$child" 2> /dev/null; do
        wait "$child"
        code=$?
    done
    [ -z "$stopping" ] || exit "$code"

    ended=$(now)
    if [ $((ended - started)) -lt 100 ]; then
        quick=$((quick + 1))
    else
        quick=0
    fi
    count=0
    recent=
    for time in $restarts; do
        if [ $((ended - time)) -lt 6000 ]; then
            recent="$recent $time"
            count=$((count + 1))
        fi
    done
    if [ "$quick" -ge 3 ] || [ "$count" -ge "$limit" ]; then
        echo "supervisor: the api ended with exit code $code. It ends too often to be started again."
        exit "$code"
    fi
    restarts="$recent $ended"
    case $count in
        0) delay=0.1 ;;
        1) delay=0.2 ;;
        2) delay=0.5 ;;
        *) delay=1 ;;
    esac
    echo "supervisor: the api ended with exit code $code. Starting it again in $delay s."
    echo "{\"at\": $(date +%s), \"code\": $code}" 2> /dev/null >> "$run/restarts" || :
    sleep "$delay" &
    wait $!
    [ -z "$stopping" ] || exit "$code"
done
