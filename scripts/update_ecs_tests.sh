#!/usr/bin/env bash
# Sets the load test to N workers, and changes what else is named; everything else stays.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

region=${TESTS_REGION:-}
count=''
parameters=()

usage() {
  cat <<END_OF_TEXT
usage: scripts/update_ecs_tests.sh [OPTION...] [N]

Sets the load test to N workers (default 1); everything else of its stack stays.

  --region REGION            default: the environment's TESTS_REGION
  --target URL               what is tested, such as http://NAME: something that is yours
  --image IMAGE:TAG          another image of the master (and of the workers, without a worker image)
  --worker-image IMAGE:TAG   another image of the workers
  --worker-locustfile FILE   what the workers load, such as test_sample.cpp
  --master-ip ADDRESS        private address of the master, instead of its name; '' goes back to the name
  --masters 0|1              no master, or one
  --web-cidr RANGE           who may open the web interface, such as 203.0.113.7/32; '' is nobody
  --stop-schedule CRON       when all tasks end, in UTC, such as 'cron(0 19 * * ? *)'; '' is never
  --wait-minutes N           limit for the wait (default $wait_minutes)
  --dry-run                  print the commands, call nothing
END_OF_TEXT
}

while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=1 ;;
    --region | --target | --image | --worker-image | --worker-locustfile | --master-ip | --masters | \
      --web-cidr | --stop-schedule | --wait-minutes)
      need_value "$1" $#
      case $1 in
        --region) region=$2 ;;
        --wait-minutes) wait_minutes=$2 ;;
        --target) need_url --target "$2" && parameters+=("LoadBalancerDNSName=$2") ;;
        --image) need_image "the master" "$2" && parameters+=("Image=$2") ;;
        --worker-image) need_image "the workers" "$2" && parameters+=("WorkerImage=$2") ;;
        --worker-locustfile) parameters+=("WorkerLocustfile=$2") ;;
        --masters) need_number --masters "$2" 0 1 && parameters+=("MasterTaskCount=$2") ;;
        --stop-schedule) parameters+=("StopSchedule=$2") ;;
        --master-ip)
          [[ $2 =~ ^[0-9A-Za-z.:-]*$ ]] ||
            die "--master-ip wants an address or a name, not '$2'." "scripts/run_tests.sh --show-master prints it"
          parameters+=("MasterIp=$2")
          ;;
        --web-cidr)
          [[ $2 =~ ^$|^[0-9.]+/([1-9]|[12][0-9]|3[0-2])$ ]] ||
            die "--web-cidr wants a range such as 203.0.113.7/32, and not everybody, but got '$2'." \
              "take your own address: curl -s https://checkip.amazonaws.com"
          parameters+=("WebCidr=$2")
          ;;
      esac
      shift
      ;;
    -*) die "Unknown option $1." "see ${0##*/} --help" ;;
    *)
      [[ -z $count ]] || die "There is one number of workers, not '$count' and '$1'." "see ${0##*/} --help"
      count=$1
      ;;
  esac
  shift
done

count=${count:-1}
need_number "The number of workers" "$count" 0 5000
need_number --wait-minutes "$wait_minutes" 1 1440
need_region "the load test" "$region" TESTS_REGION
need_aws
need_account "$region"
must_exist=1
put_stack "$region" "$TESTS_STACK" ecs-tests.yml "TaskCount=$count" ${parameters[@]+"${parameters[@]}"}
[[ $changed ]] || ensure_count "$region" "$TESTS_STACK" WorkerServiceName "$count"
[[ $dry_run ]] || say "The load test in $region has $count worker(s) wanted."
