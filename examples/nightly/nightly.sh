#!/bin/sh
# The nightly grid, for cron or by hand: nightly.sh [further flags, such as --NightlyGrid-on-worse tell]
# NST_BIN: where luigi is. NST_DAYS: how many days back missed nights are made up for.
set -eu

home=$(cd "$(dirname "$0")/../.." && pwd)
luigi=${NST_BIN:-$home/.venv/bin}/luigi
days=${NST_DAYS:-3}
logs=$home/outputs/nights/logs

cd "$home" # luigi.cfg, the study and the pictures are found from here
mkdir -p "$logs"

# A night that takes longer than a day must not meet the next one: who comes second leaves at once.
exec 9>"$logs/lock"
flock --nonblock 9 || {
    echo "nightly: the last run is still at work"
    exit 75
}

# A log for each night. Dates are those of UTC, as RangeDailyBase counts them.
log=$logs/$(date -u +%F).log
find "$logs" -name '????-??-??.log' -mtime +31 -delete

status=0
"$luigi" --module tasks RangeDailyBase --of NightlyGrid --param-name date \
    --start "$(date -u -d "$days days ago" +%F)" --days-back "$((days + 1))" \
    --NightlyGrid-config examples/nightly/study.toml "$@" >>"$log" 2>&1 || status=$?

# cron mails what is printed: after a quiet night nothing.
if [ "$status" -ne 0 ]; then
    echo "nightly: luigi ended with $status; $log has all of it"
    sed -n 's/^.*CellFailed: //p' "$log" | sort -u
fi
exit "$status"
