#!/bin/sh
# Runs the api's command, and starts it again at once if it ends. Kubernetes would wait longer each time, up to five
# minutes. A command that ends all the time is left to Kubernetes: then this script ends with the command's exit code.
#
# Usage: supervisor.sh COMMAND [ARGUMENT...]
# Environment: API_DB_FILEPATH, the file that a stop must not tear. Needs a POSIX shell, date, sleep and tail.

run_folder=${RUN_FOLDER:-/run/synergychat}
uptime_file=${UPTIME_FILE:-/proc/uptime}
newline='
'
stopping=     # Set once this script has been told to stop.
halted=       # Set once it has ended the command between two writes.
interrupted=  # Set if a signal has ended "wait" before the command did.
restarts=     # Times of the restarts within the last minute.
quick=0       # How many times in a row the command has ended within a second.

# The process of the command is $! all the time. A signal for one that has ended, or that is not started yet, goes nowhere.

# Hundredths of a second since the machine started. The shell has no clock, and "date" knows whole seconds only.
now() {
    up=0.00
    read -r up _ <"$uptime_file"
    clock=$((${up%.*} * 100 + 1${up#*.} - 100))
}

# Whether all threads of the command have stopped: SIGSTOP does not wait for a system call that is under way.
has_stopped() {
    for status in /proc/"$!"/task/*/stat; do
        read -r line <"$status" || continue
        case ${line##*) } in
            [TtZX]*) ;;
            *) return 1 ;;
        esac
    done
} 2>/dev/null

# Whether the api's file ends as the app ends it. The app empties the file first and then writes it whole.
is_complete() {
    [ -e "$API_DB_FILEPATH" ] || return 0
    case $(tail -c 3 "$API_DB_FILEPATH") in
        '[]' | *"$newline]") return 0 ;;
        *) return 1 ;;
    esac
}

# Ends the command between two writes: halts it, looks at the file, and lets it run on for a moment if it is writing.
# Once the file is complete, the halted command is killed: with SIGTERM, its threads would run on and could begin a write.
# If the file is not complete within about two seconds, the command is asked to end, as without this script.
stop_app() {
    turn=0
    while kill -s STOP "$!" && [ "$turn" -lt 100 ]; do
        if has_stopped && is_complete; then
            kill -s KILL "$!"
            halted=1
            return
        fi
        turn=$((turn + 1))
        kill -s CONT "$!"
        sleep 0.01
    done
    kill -s TERM "$!"
    kill -s CONT "$!"
} 2>/dev/null

on_stop() {
    trap '' TERM INT QUIT
    stopping=1
    interrupted=1
    stop_app
}

on_other() {
    interrupted=1
    kill -s "$1" "$!"
} 2>/dev/null

# As the first process of a container, this script gets only the signals that it has a trap for.
trap on_stop TERM INT QUIT
trap 'on_other HUP' HUP
trap 'on_other USR1' USR1
trap 'on_other USR2' USR2

# Waits for the command, and sets its exit code. If a signal comes just as the command ends, the second "wait" no longer
# knows the process, and answers 127.
await_app() {
    code=127
    interrupted=1
    while [ "$interrupted" ]; do
        interrupted=
        before=$code
        wait "$!"
        code=$?
    done
    [ "$code" -ne 127 ] || code=$before
    # 143 stands for SIGTERM, which the command was stopped for. 137 would look like a lack of memory.
    [ -z "$halted" ] || code=143
}

# Counts the restarts within the last minute, this one included.
count_restarts() {
    recent=
    count=1
    for time in $restarts; do
        [ $((clock - time)) -ge 6000 ] || recent="$recent $time" count=$((count + 1))
    done
    restarts="$recent $clock"
}

while :; do
    now
    start=$clock
    "$@" &
    # The signal may have come before the process was there.
    [ -z "$stopping" ] || stop_app
    await_app
    [ -z "$stopping" ] || exit "$code"

    if [ "$code" -eq 126 ] || [ "$code" -eq 127 ]; then
        echo "supervisor: \"$1\" cannot be started (exit code $code). Set the config key apiCommand to the command of the api's image."
        exit "$code"
    fi
    now
    quick=$((clock - start < 100 ? quick + 1 : 0))
    count_restarts
    if [ "$quick" -ge 3 ] || [ "$count" -gt 20 ]; then
        echo "supervisor: the api ended with exit code $code, too often to be started again. Kubernetes restarts the container."
        exit "$code"
    fi
    # A tenth of a second at first, and a second before the twentieth restart within a minute.
    tenths=$(((count + 1) / 2))
    pause=$((tenths / 10)).$((tenths % 10))
    echo "supervisor: the api ended with exit code $code. It starts again in $pause s (restart $count within a minute)."
    { true >"$run_folder/restart-$(date +%s)-$clock-$code"; } 2>/dev/null
    sleep "$pause"
    [ -z "$stopping" ] || exit "$code"
done
