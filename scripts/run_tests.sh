#!/usr/bin/env bash
# Runs a load test through the master's web interface, shows how it goes, and keeps Locust's report.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

region=${TESTS_REGION:-} master='' users='' rate='' seconds=60 host='' workers=1 out='' show='' limit=120
running=''

usage() {
  cat <<END_OF_TEXT
usage: scripts/run_tests.sh [OPTION...] --users N

Starts a run in the web interface of a master, prints a line every two seconds, stops it, and saves
Locust's HTML report and CSV files. Ctrl-C stops the run too. Exit code 0: there were requests, and none
has failed; 3: some have failed, the report is there; 4: it ended before its time or workers were lost,
the report is there; 1: it could not be run, or there was not a single request.

  --users N             how many users
  --spawn-rate N        users started a second (default: all within 5 seconds)
  --seconds N           how long (default $seconds)
  --workers N           wait until that many workers are there (default $workers)
  --host URL            the users' host; default: what the locustfile says
  --out FOLDER          where the files go (default: ./report-DATE-TIME)
  --master URL          the web interface; default: the master of the stack in --region
  --region REGION       default: the environment's TESTS_REGION
  --show-master         only print the master's addresses: public, and private for MasterIp
  --wait-seconds N      limit for the master to answer and the workers to be there (default $limit)
  --dry-run             print the commands, call nothing
END_OF_TEXT
}

read_options "--show-master show=1 --users users --spawn-rate rate --seconds seconds --workers workers
  --host host --out out --master master --region region --wait-seconds limit" "$@"
[[ ${#words[@]} -eq 0 ]] || die "Unknown word ${words[0]}." "see ${0##*/} --help"
master=${master%/}

# find_master: the running task of the master's service → $public, $private, $port
find_master() {
  local cluster service task interface
  need_region "the load test" "$region" TESTS_REGION
  need_aws
  need_account "$region"
  stack_output "$region" "$TESTS_STACK" ClusterName
  cluster=$answer
  stack_output "$region" "$TESTS_STACK" MasterServiceName
  service=$answer
  stack_output "$region" "$TESTS_STACK" WebPort
  port=$answer
  ask "$region" ecs list-tasks --cluster "$cluster" --service-name "$service" --desired-status RUNNING \
    --query 'taskArns[0]' || answer=''
  [[ -n $answer ]] || die "No master is running in $region." \
    "start one with scripts/update_ecs_tests.sh --region $region --masters 1 N"
  task=$answer
  ask "$region" ecs describe-tasks --cluster "$cluster" --tasks "$task" \
    --query "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value | [0]" || answer=''
  interface=$answer
  [[ -n $interface ]] || die "The master in $region has no network address yet." "try again in a minute"
  ask "$region" ec2 describe-network-interfaces --network-interface-ids "$interface" \
    --query 'NetworkInterfaces[0].[PrivateIpAddress, Association.PublicIp]' || answer=''
  private=${answer%%[[:space:]]*} public=${answer##*[[:space:]]}
  [[ $public != None ]] || public=''
  [[ -n $private ]] || die "The master in $region has no network address yet." "try again in a minute"
}

call() { curl --silent --show-error --fail --max-time 20 "$@"; }

# field FILTER: from the last state that the master told
field() { jq -r "$1" <<<"$state"; }

# The last good state stays when the master does not answer.
ask_state() {
  answered=$(call "$master/stats/requests" 2>&1) && jq -e .state <<<"$answered" >/dev/null 2>&1 && state=$answered
}

is_idle() { [[ $(field .state) == ready || $(field .state) == stopped ]]; }

# Locust counts workers that are gone, too.
count_workers() { field '[.workers[]? | select(.state != "missing" and .state != "stopped")] | length'; }

line() {
  field '"  \(.state)  users \(.user_count)  workers \([.workers[]? | select(.state != "missing")] | length)  requests \(
    (.stats[-1].num_requests // 0))  failures \((.stats[-1].num_failures // 0))  requests/s \((.total_rps // 0) | round)"'
}

# Older masters take a GET only, newer ones a POST.
send_stop() { call --request POST "$master/stop" >/dev/null 2>&1 || call "$master/stop" >/dev/null 2>&1; }

stop_run() {
  [[ $running ]] || return 0
  running=''
  send_stop ||
    die "The run could not be stopped: $master does not answer." "stop it in its web interface"
}

interrupted() {
  stop_run
  die "Interrupted; the run was stopped, no report was saved." "run it again"
}

if [[ $show ]]; then
  [[ ! $dry_run ]] || die "--show-master changes nothing, so there is no dry run of it." "leave --dry-run out"
  find_master
  say "public  ${public:-none}"
  say "private $private"
  exit 0
fi
[[ -n $users ]] || die "How many users?" "add --users N (see ${0##*/} --help)"
need_number --users "$users" 1 10000000
need_number --seconds "$seconds" 1 604800
need_number --workers "$workers" 0 100000
need_number --wait-seconds "$limit" 1 86400
rate=${rate:-$(((users + 4) / 5))}
[[ $rate =~ ^[0-9]+(\.[0-9]+)?$ && ! $rate =~ ^[0.]+$ ]] || die "--spawn-rate must be a number above 0, not '$rate'." "see ${0##*/} --help"
[[ -z $host ]] || need_url --host "$host"
[[ -z $master ]] || need_url --master "$master"
out=${out:-report-$(date +%Y-%m-%d-%H%M%S)}
if [[ ! $dry_run && ! -d $out ]]; then
  # The first folder that is missing shows it, and is there again when there is something to put into it.
  folder=$out
  until [[ -e $(dirname "$folder") ]]; do folder=$(dirname "$folder"); done
  mkdir "$folder" 2>/dev/null || die "The folder $out cannot be made." "name another with --out"
  rmdir "$folder"
fi
[[ ! -e $out/report.html ]] || die "$out holds a report already." "name another folder with --out"
need_tool curl "install curl"
need_tool jq "install jq, for example: apt-get install jq"
form=(--data-urlencode "user_count=$users" --data-urlencode "spawn_rate=$rate")
[[ -z $host ]] || form+=(--data-urlencode "host=$host")

if [[ $dry_run ]]; then
  master=${master:-http://ADDRESS-OF-THE-MASTER:PORT}
  show_command curl --fail "${form[@]}" "$master/swarm"
  show_command curl --fail "$master/stats/requests"
  show_command curl --fail --request POST "$master/stop"
  show_command curl --fail --output "$out/report.html" "$master/stats/report?download=1"
  show_command curl --fail --output "$out/requests.csv" "$master/stats/requests/csv"
  show_command curl --fail --output "$out/failures.csv" "$master/stats/failures/csv"
  show_command curl --fail --output "$out/exceptions.csv" "$master/exceptions/csv"
  exit 0
fi
if [[ -z $master ]]; then
  find_master
  [[ -n $public ]] || die "The master in $region has no public address, only $private." \
    "reach it from inside the VPC and name it with --master http://$private:$port"
  master=http://$public:$port
fi

say "master  $master"
began=$SECONDS
until ask_state; do
  [[ $((SECONDS - began)) -lt $limit ]] || die "The master at $master does not answer as Locust does (${answered:0:200})." \
    "check the address and that the master runs; in AWS, that --web-cidr of the stack names your own address"
  sleep 2
done
is_idle || die "A run is under way at $master already ($(field .state))." "stop it in the web interface, or wait"
gone=''
until [[ ! $gone && $(count_workers) -ge $workers ]]; do
  [[ ! $gone || $((SECONDS - began)) -lt $limit ]] ||
    die "The master at $master has stopped answering: ${answered:0:200}" "look at its log"
  [[ $((SECONDS - began)) -lt $limit ]] || die "$(count_workers) of $workers workers are there after $limit s." \
    "start them with scripts/update_ecs_tests.sh $workers, and read their log if they do not come"
  sleep 2
  gone=''
  ask_state || gone=1
done
at_first=$(count_workers)

trap interrupted INT TERM HUP
running=1
code=0
answered=$(call "${form[@]}" "$master/swarm" 2>&1) || code=$?
case $code in
  0) ;;
  7 | 22)  # refused, or an HTTP error
    running=''
    die "The master did not start the run: $answered" "look at its log"
    ;;
  *)  # it may have been started all the same
    running=''
    ! send_stop || die "The master did not say that the run has started, so it was stopped: $answered" \
      "look at the master's log, then run it again"
    die "The master did not say that the run has started, and does not answer a stop either: $answered" \
      "the run may be on: stop it in the web interface, $master"
    ;;
esac
[[ $(jq -r '.success // false' <<<"$answered" 2>/dev/null) == true ]] || {
  running=''
  die "The master did not start the run: $(jq -r '.message // .' <<<"$answered" 2>/dev/null || printf '%s' "$answered")" \
    "correct what it says"
}
began=$SECONDS misses=0 idle=0 incomplete=''
# Locust tells a state for two seconds more, so one look is not enough to say that the run has ended. Before the
# first user starts, what the locustfile prepares may take its time.
started='' patience=15
while [[ $((SECONDS - began)) -lt $seconds && $idle -lt $patience ]]; do
  left=$((seconds - (SECONDS - began)))
  sleep "$((left < 2 ? left : 2))"
  if ask_state; then
    misses=0
    if is_idle; then
      idle=$((idle + 1))
    else
      idle=0 started=1 patience=2
      line
    fi
  else
    misses=$((misses + 1))
    [[ $misses -lt 15 ]] || die "The master at $master has stopped answering in the middle of the run." \
      "look at its log; if it still runs, stop the run in its web interface"
  fi
done
# A report would show the run before it.
if [[ ! $started && $idle -ge 2 ]]; then
  stop_run
  die "The run did not start within $((SECONDS - began)) seconds, or was over at once." "look at the master's log"
fi
if [[ $idle -ge $patience ]]; then
  incomplete=1
  say "The run has ended after $((SECONDS - began)) of $seconds seconds: its shape or run time was over, somebody has" \
    "stopped it, or no worker is left; the master's log tells which."
fi
there=$(count_workers)
if [[ $there -lt $at_first ]]; then
  incomplete=1
  say "$((at_first - there)) of $at_first workers are gone, and what they had not reported yet with them; look at their log."
fi
stop_run
began=$SECONDS
until ask_state && [[ $idle -ge $patience || $(field .state) == stopped ]]; do
  [[ $((SECONDS - began)) -lt $limit ]] || die "The run does not stop." "look at the workers' log"
  sleep 1
done
# The last reports of the workers arrive within a second of the stop.
sleep 2
ask_state || die "The master at $master has gone before the report was saved." "look at its log"

mkdir -p "$out"
save() {  # save PATH FILE
  call --output "$out/$2" "$master/$1" ||
    die "The report could not be saved from $master/$1." "the run itself has ended; open it in a browser"
}
save 'stats/report?download=1' report.html
save stats/requests/csv requests.csv
save stats/failures/csv failures.csv
save exceptions/csv exceptions.csv
printf '%s\n' "$state" >"$out/stats.json"
line
requests=$(field '.stats[-1].num_requests // 0') failures=$(field '.stats[-1].num_failures // 0')
say "report  $out/report.html"
[[ $requests -gt 0 ]] || die "There was not a single request." \
  "if the locustfile names no host, add --host URL; else look at $out/exceptions.csv and at the workers' log"
[[ $failures -eq 0 ]] || say "$failures of $requests requests have failed: $out/failures.csv"
[[ ! $incomplete ]] || exit 4
[[ $failures -eq 0 ]] || exit 3
