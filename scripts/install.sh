#!/usr/bin/env bash
# The whole flow: networks, the application in two regions, their common name if there is a hosted zone,
# and the load test in a third region. Run again, it updates what is there, and keeps what no option names.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

app_image=${APP_IMAGE:-} tests_image=${TESTS_IMAGE:-} worker_image='' worker_locustfile=''
version='' architecture='' tasks='' workers='' zone='' name='' target='' web_cidr='' stop_schedule=''
task_cpu='' task_memory='' worker_cpu='' worker_memory='' master_cpu='' master_memory=''

usage() {
  cat <<END_OF_TEXT
usage: scripts/install.sh [OPTION...] [REGION1 REGION2 TESTS_REGION]

Sets up the application in two regions and the load test in a third. The regions default to the
environment's APP_REGION1, APP_REGION2 and TESTS_REGION. Where that is there already, it is updated; what
no option names stays as it is.

Images, one of the two ways:
  --app-image IMAGE:TAG      the application's (default: the environment's APP_IMAGE)
  --tests-image IMAGE:TAG    master's and workers' (default: the environment's TESTS_IMAGE)
  --version TAG              builds this project's images and pushes them with this tag to the
                             repositories djangoscaling (in both regions) and djangoscalingtests, which
                             are made when they are missing
What is tested, one of the two ways:
  --hosted-zone ID --record-name NAME   a name over both regions, in a Route 53 zone of yours
  --target URL                          something else that is yours; default: the first region

  --tasks N                  tasks of the application in each region (default 1)
  --workers N                workers (default 0)
  --task-cpu N --task-memory MB         size of the application's tasks (default 4096, four vCPU, and 8192)
  --worker-cpu N --worker-memory MB     size of the workers (default 1024 and 2048)
  --master-cpu N --master-memory MB     size of the master (default 1024 and 2048)
  --worker-image IMAGE:TAG   another image for the workers
  --worker-locustfile FILE   what they load, such as test_sample.cpp with an image for user classes in C++
  --architecture NAME        X86_64 (default) or ARM64: what the images are built for
  --web-cidr RANGE           who may open Locust's web interface, such as 203.0.113.7/32
  --stop-schedule CRON       when all tasks end, in UTC, such as 'cron(0 19 * * ? *)'
  --wait-minutes N           limit for each wait (default $wait_minutes)
  --dry-run                  print the commands, call nothing
END_OF_TEXT
}

read_options "--app-image app_image --tests-image tests_image --worker-image worker_image
  --worker-locustfile worker_locustfile --version version --hosted-zone zone --record-name name --target target --tasks tasks --workers workers
  --architecture architecture --web-cidr web_cidr --stop-schedule stop_schedule
  --task-cpu task_cpu --task-memory task_memory --worker-cpu worker_cpu --worker-memory worker_memory
  --master-cpu master_cpu --master-memory master_memory" "$@"
need_size task "$task_cpu" "$task_memory"
need_size worker "$worker_cpu" "$worker_memory"
need_size master "$master_cpu" "$master_memory"
need_three_regions
[[ $region1 != "$region2" ]] || die "Both regions of the application are $region1." "name two different ones"
[[ -z $tasks ]] || need_number --tasks "$tasks" 0 5000
[[ -z $workers ]] || need_number --workers "$workers" 0 5000
[[ -z $target ]] || need_url --target "$target"
[[ -z $architecture || $architecture == X86_64 || $architecture == ARM64 ]] ||
  die "--architecture must be X86_64 or ARM64, not '$architecture'." "see ${0##*/} --help"
[[ ${zone:+given} == "${name:+given}" ]] || die "--hosted-zone and --record-name belong together." "give both or none"
[[ -z $zone || -z $target ]] || die "There is one target: --target or --record-name." "leave one of them out"
[[ -z $zone ]] || need_parameter route53.yml HostedZoneId --hosted-zone "$zone" \
  "aws route53 list-hosted-zones lists yours; the ID is what follows /hostedzone/"
[[ -z $name ]] || need_parameter route53.yml RecordName --record-name "$name" "give the whole name, such as hello.example.com"
need_web_cidr "$web_cidr"
need_schedule "$stop_schedule"
if [[ $version ]]; then
  need_version "$version"
  [[ -z $app_image && -z $tests_image ]] || die "Images are either given or built." "leave out --version, or the images"
else
  [[ $app_image ]] || die "No image for the application." "give --app-image or --version (see ${0##*/} --help)"
  [[ $tests_image ]] || die "No image for the load test." "give --tests-image or --version (see ${0##*/} --help)"
  need_image "the application" "$app_image"
  need_image "the load test" "$tests_image"
fi
[[ -z $worker_image ]] || need_image "the workers" "$worker_image"
need_aws
[[ -z $version || $dry_run ]] || need_tool docker "install Docker, or push the images elsewhere and name them"
need_account "$region1" "$region2" "$tests_region"

# build_and_push REGION REPOSITORY → $pushed
build_and_push() {
  local uri=REPOSITORY-URI/$2 options=(--platform linux/amd64)
  [[ $architecture != ARM64 ]] || options=(--platform linux/arm64)
  ! is_given --wait-minutes || options+=(--wait-minutes "$wait_minutes")
  if [[ $dry_run ]]; then
    change "$1" ecr create-repository --repository-name "$2" --image-tag-mutability IMMUTABLE \
      --image-scanning-configuration scanOnPush=true
    show_command scripts/deploy_aws.sh "${options[@]}" "$uri" "$version"
  else
    if ! ask "$1" ecr describe-repositories --repository-names "$2" --query 'repositories[0].repositoryUri'; then
      change "$1" ecr create-repository --repository-name "$2" --image-tag-mutability IMMUTABLE \
        --image-scanning-configuration scanOnPush=true
      made+=("repository $2 in $1")
      ask "$1" ecr describe-repositories --repository-names "$2" --query 'repositories[0].repositoryUri'
    fi
    uri=$answer
    "$ROOT/scripts/deploy_aws.sh" "${options[@]}" "$uri" "$version" || {
      code=$?
      [[ $code -lt 129 ]] || interrupted_by "$code"
      die "The image $2 did not get to $1." "cure what is said above, then run this again"
    }
    made+=("image $uri:$version")
  fi
  pushed=$uri:$version
}

# application REGION IMAGE
application() {
  put_stack "$1" "$VPC_STACK" vpc.yml
  put_stack "$1" "$ECS_STACK" ecs.yml "Region=$1" "Image=$2" "$task_count" \
    ${task_cpu:+"TaskCpu=$task_cpu" "TaskMemory=$task_memory"} \
    ${architecture:+"CpuArchitecture=$architecture"} ${stop_schedule:+"StopSchedule=$stop_schedule"}
  ensure_count "$1" "$ECS_STACK" ServiceName TaskCount
}

task_count="?TaskCount=1"
[[ -z $tasks ]] || task_count="TaskCount=$tasks"
app_image2=$app_image
if [[ $version ]]; then
  build_and_push "$region1" djangoscaling
  app_image=$pushed
  build_and_push "$region2" djangoscaling
  app_image2=$pushed
  build_and_push "$tests_region" djangoscalingtests
  tests_image=$pushed
fi
application "$region1" "$app_image"
application "$region2" "$app_image2"

tested=LoadBalancerDNSName=$target
if [[ $zone ]]; then
  stack_output "$region1" "$ECS_STACK" LoadBalancerHost
  host1=$answer
  stack_output "$region2" "$ECS_STACK" LoadBalancerHost
  host2=$answer
  put_stack "$region1" "$DNS_STACK" route53.yml "HostedZoneId=$zone" "RecordName=$name" "Host1=$host1" "Host2=$host2"
  tested=LoadBalancerDNSName=http://$name
elif [[ -z $target ]]; then
  stack_output "$region1" "$ECS_STACK" LoadBalancerDNSName
  tested=\?LoadBalancerDNSName=$answer
fi

if [[ $tests_region != "$region1" && $tests_region != "$region2" ]]; then
  put_stack "$tests_region" "$VPC_STACK" vpc.yml
fi
parameters=("Region=$tests_region" "MasterTaskCount=1" "Image=$tests_image" "$tested")
[[ -z $workers ]] || parameters+=("TaskCount=$workers")
[[ -z $worker_image ]] || parameters+=("WorkerImage=$worker_image")
[[ -z $worker_locustfile ]] || parameters+=("WorkerLocustfile=$worker_locustfile")
[[ -z $architecture ]] || parameters+=("CpuArchitecture=$architecture")
[[ -z $worker_cpu ]] || parameters+=("SlaveCpu=$worker_cpu" "SlaveMemory=$worker_memory")
[[ -z $master_cpu ]] || parameters+=("MasterCpu=$master_cpu" "MasterMemory=$master_memory")
[[ -z $web_cidr ]] || parameters+=("WebCidr=$web_cidr")
[[ -z $stop_schedule ]] || parameters+=("StopSchedule=$stop_schedule")
put_stack "$tests_region" "$TESTS_STACK" ecs-tests.yml "${parameters[@]}"
ensure_tests "$tests_region"

[[ ! $dry_run ]] || exit 0
say
stack_parameter "$tests_region" "$TESTS_STACK" LoadBalancerDNSName
tested=$answer
stack_parameter "$tests_region" "$TESTS_STACK" TaskCount
say "The load test in $tests_region tests $tested with $answer worker(s). What comes next:"
say "  scripts/update_ecs_tests.sh --region $tests_region N            N workers"
say "  scripts/run_tests.sh --region $tests_region --users N           a run, with its report"
say "  scripts/shutdown.sh $region1 $region2 $tests_region    deletes everything"
