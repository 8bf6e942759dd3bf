#!/usr/bin/env bash
# Sets the load test to N workers, and changes what else is named; everything else stays.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

region=${TESTS_REGION:-} target='' image='' worker_image='' worker_locustfile='' master_ip='' masters=''
web_cidr='' stop_schedule='' worker_cpu='' worker_memory='' master_cpu='' master_memory='' parameters=()

usage() {
  cat <<END_OF_TEXT
usage: scripts/update_ecs_tests.sh [OPTION...] [N]

Sets the load test to N workers (default 1); everything else of its stack stays.

  --region REGION            default: the environment's TESTS_REGION
  --target URL               what is tested, such as http://NAME: something that is yours
  --image IMAGE:TAG          another image of the master (and of the workers, without a worker image)
  --worker-image IMAGE:TAG   another image of the workers
  --worker-locustfile FILE   what the workers load, such as test_sample.cpp
  --worker-cpu N --worker-memory MB   another size of the workers, such as 2048 (two vCPU) and 4096
  --master-cpu N --master-memory MB   another size of the master
  --master-ip ADDRESS        private address of the master, instead of its name; '' goes back to the name
  --masters 0|1              no master, or one
  --web-cidr RANGE           who may open the web interface, such as 203.0.113.7/32; '' is nobody
  --stop-schedule CRON       when all tasks end, in UTC, such as 'cron(0 19 * * ? *)'; '' is never
  --wait-minutes N           limit for the wait (default $wait_minutes)
  --dry-run                  print the commands, call nothing
END_OF_TEXT
}

read_options "--region region --target target --image image --worker-image worker_image
  --worker-locustfile worker_locustfile --master-ip master_ip --masters masters --web-cidr web_cidr
  --worker-cpu worker_cpu --worker-memory worker_memory --master-cpu master_cpu --master-memory master_memory
  --stop-schedule stop_schedule" "$@"
need_count workers
need_size worker "$worker_cpu" "$worker_memory"
need_size master "$master_cpu" "$master_memory"
! is_given --target || need_url --target "$target"
! is_given --image || need_image "the master" "$image"
! is_given --worker-image || need_image "the workers" "$worker_image"
! is_given --masters || need_number --masters "$masters" 0 1
need_web_cidr "$web_cidr"
need_schedule "$stop_schedule"
need_parameter ecs-tests.yml MasterIp --master-ip "$master_ip" "scripts/run_tests.sh --show-master prints its private address"

# parameter OPTION NAME VALUE: an option that is not there leaves the stack's parameter as it is.
parameter() {
  ! is_given "$1" || parameters+=("$2=$3")
}
parameter --target LoadBalancerDNSName "$target"
parameter --image Image "$image"
parameter --worker-image WorkerImage "$worker_image"
parameter --worker-locustfile WorkerLocustfile "$worker_locustfile"
parameter --master-ip MasterIp "$master_ip"
parameter --masters MasterTaskCount "$masters"
parameter --web-cidr WebCidr "$web_cidr"
parameter --stop-schedule StopSchedule "$stop_schedule"
[[ -z $worker_cpu ]] || parameters+=("SlaveCpu=$worker_cpu" "SlaveMemory=$worker_memory")
[[ -z $master_cpu ]] || parameters+=("MasterCpu=$master_cpu" "MasterMemory=$master_memory")
need_region "the load test" "$region" TESTS_REGION
need_aws
need_account "$region"
must_exist=1
put_stack "$region" "$TESTS_STACK" ecs-tests.yml "TaskCount=$count" ${parameters[@]+"${parameters[@]}"}
ensure_tests "$region"
[[ $dry_run ]] || say "The load test in $region has $count worker(s) wanted."
