# Shared by the scripts that deploy to AWS: options, checks before anything is changed, stacks that are
# created or updated and waited for, and one sentence with a next step when something is wrong.
# For bash 3.2 too, so that they run on a Mac as it comes.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
TEMPLATES=$ROOT/cloudformation
VPC_STACK=${VPC_STACK:-django-scaling-vpc}
ECS_STACK=${ECS_STACK:-django-scaling-ecs}
TESTS_STACK=${TESTS_STACK:-django-scaling-ecs-tests}
DNS_STACK=${DNS_STACK:-django-scaling-route53}

dry_run=''
wait_minutes=30
poll_seconds=${POLL_SECONDS:-5}
call_seconds=${CALL_SECONDS:-60}  # limit for one call of aws
made=()       # what this run has created or changed, for the message when it fails later
under_way=''  # what it is creating or changing just now

say() { printf '%s\n' "$*"; }

# die SENTENCE NEXT_STEP
die() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  [[ -z ${2:-} ]] || printf '  Next: %s\n' "$2" >&2
  [[ -z $under_way ]] || made+=("$under_way")
  if [[ ${#made[@]} -gt 0 ]]; then
    printf '  Done before this, and left as it is: %s.\n' "$(join_with ', ' "${made[@]}")" >&2
  fi
  exit "$exit_code"
}

exit_code=1
exec 9>&2  # what is running when a signal comes may write its errors somewhere else
interrupted_by() {  # interrupted_by EXIT_CODE
  trap '' HUP INT TERM
  exec 2>&9
  exit_code=$1
  [[ -n $under_way || ${#made[@]} -gt 0 ]] || die "Interrupted before anything was changed." "run this again"
  [[ $under_way != stack* ]] || die "Interrupted; AWS goes on with the $under_way." \
    "run this again when AWS has ended that, or delete everything with scripts/shutdown.sh"
  die "Interrupted." "run this again, or delete everything with scripts/shutdown.sh"
}
trap 'interrupted_by 129' HUP
trap 'interrupted_by 130' INT
trap 'interrupted_by 143' TERM

join_with() {
  local separator=$1 text=$2
  shift 2
  while [[ $# -gt 0 ]]; do
    text+=$separator$1
    shift
  done
  printf '%s' "$text"
}

need_value() {  # need_value OPTION COUNT_OF_WORDS_LEFT
  [[ $2 -ge 2 ]] || die "$1 wants a value." "see ${0##*/} --help"
}

# read_options OPTIONS WORD...: OPTIONS are pairs of an option and the variable that its value goes to; a
# variable with =1 behind it takes no value. Words that are no options go to $words, and $given names the
# options that are there. No such variable may be called known or into. --help, --dry-run and
# --wait-minutes are taken always; usage is the script's.
given=' '
words=()
read_options() {
  local known=${1//$'\n'/ } into
  known=" $known --dry-run dry_run=1 --wait-minutes wait_minutes "
  shift
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage && exit 0 ;;
      -*)
        into=${known##* "$1" }
        [[ $1 == -[-a-z0-9]* && $into != "$known" ]] || die "Unknown option $1." "see ${0##*/} --help"
        into=${into%% *}
        given+="$1 "
        if [[ $into == *=1 ]]; then
          printf -v "${into%=1}" 1
        else
          need_value "$1" $#
          printf -v "$into" %s "$2"
          shift
        fi
        ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  need_number --wait-minutes "$wait_minutes" 1 1440
}

is_given() { [[ $given == *" $1 "* ]]; }

# need_count WHAT → $count: the one number among the words, or 1
need_count() {
  [[ ${#words[@]} -le 1 ]] ||
    die "There is one number of $1, not '${words[0]}' and '${words[1]}'." "see ${0##*/} --help"
  count=${words[0]:-1}
  need_number "The number of $1" "$count" 0 5000
}

# need_three_regions → $region1, $region2, $tests_region: the words, or the environment's
need_three_regions() {
  [[ ${#words[@]} -eq 0 || ${#words[@]} -eq 3 ]] ||
    die "There are three regions or none, not ${#words[@]}." "see ${0##*/} --help"
  region1=${words[0]:-${APP_REGION1:-}} region2=${words[1]:-${APP_REGION2:-}}
  tests_region=${words[2]:-${TESTS_REGION:-}}
  need_region "the application" "$region1" APP_REGION1
  need_region "the application's second region" "$region2" APP_REGION2
  need_region "the load test" "$tests_region" TESTS_REGION
}

# need_parameter TEMPLATE KEY OPTION VALUE NEXT_STEP: by the template's own pattern, so that nothing is made
# before a value is refused.
need_parameter() {
  local pattern
  pattern=$(awk -v key="  $2:" '$0 == key { inside = 1; next } /^  [A-Za-z]/ { inside = 0 }
    inside && sub(/^ *AllowedPattern: "/, "") { sub(/"$/, ""); print }' "$TEMPLATES/$1")
  pattern=${pattern//\\\\/\\}  # a backslash is written twice in the template
  [[ $4 =~ $pattern ]] || die "$3 does not take '$4'." "$5"
}

need_web_cidr() {
  need_parameter ecs-tests.yml WebCidr --web-cidr "$1" \
    "name a range such as 203.0.113.7/32, and not everybody; your own address: curl -s https://checkip.amazonaws.com"
}

need_schedule() {
  need_parameter ecs-tests.yml StopSchedule --stop-schedule "$1" \
    "give it six fields, in UTC, such as 'cron(0 19 * * ? *)'"
}

need_version() {
  [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || die "'$1' is not a tag." "take something like v1"
}

# need_size WHO CPU MEMORY: --WHO-cpu and --WHO-memory, a pair that Fargate has (1024 is one vCPU; MB).
need_size() {
  local range lowest highest step
  [[ -n $2 || -n $3 ]] || return 0
  case $2 in
    256) range='512 2048 512' ;;
    512) range='1024 4096 1024' ;;
    1024) range='2048 8192 1024' ;;
    2048) range='4096 16384 1024' ;;
    4096) range='8192 30720 1024' ;;
    8192) range='16384 61440 4096' ;;
    16384) range='32768 122880 8192' ;;
    *) die "--$1-cpu must be 256, 512, 1024, 2048, 4096, 8192 or 16384, not '$2'." \
      "give --$1-cpu and --$1-memory together, such as 1024 and 2048" ;;
  esac
  read -r lowest highest step <<<"$range"
  [[ $3 =~ ^[1-9][0-9]{2,5}$ && $3 -ge $lowest && $3 -le $highest && $((($3 - lowest) % step)) == 0 &&
    "$2 $3" != '256 1536' ]] || die "Fargate has no tasks with $2 of CPU and '$3' MB." \
    "give --$1-memory from $lowest to $highest, in steps of $step (256 of CPU: 512, 1024 or 2048)"
}

# need_number WHAT VALUE LOWEST HIGHEST
need_number() {
  [[ $2 =~ ^(0|[1-9][0-9]{0,8})$ && $2 -ge $3 && $2 -le $4 ]] ||
    die "$1 must be a whole number from $3 to $4, not '$2'." "see ${0##*/} --help"
}

# need_region WHAT VALUE VARIABLE
need_region() {
  [[ -n $2 ]] || die "No region for $1." "give one, or set $3, such as export $3=REGION"
  [[ $2 =~ ^[a-z]{2,4}(-[a-z]+)+-[0-9]+$ ]] ||
    die "'$2' is not the name of a region ($1)." "aws ec2 describe-regions --query 'Regions[].RegionName' lists them"
}

# need_image WHAT VALUE
need_image() {
  [[ $2 =~ ^[A-Za-z0-9._/:-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$ ]] ||
    die "'$2' is not an image with a tag ($1)." "give it as REPOSITORY:TAG, as scripts/deploy_aws.sh prints it"
}

need_url() {  # need_url WHAT VALUE
  [[ $2 =~ ^https?://[A-Za-z0-9.-]+(:[0-9]+)?$ ]] ||
    die "$1 must be a URL such as http://NAME, without a path, not '$2'." "see ${0##*/} --help"
}

# need_tool NAME HOW_TO_GET_IT
need_tool() {
  command -v "$1" >/dev/null 2>&1 || die "$1 is not installed." "$2"
}

# need_aws → $scratch, a folder for what aws answers. A dry run needs none of it.
scratch=''
trap '[[ -z $scratch ]] || rm -rf "$scratch"' EXIT
need_aws() {
  [[ ! $dry_run ]] || return 0
  need_tool aws "install AWS's command line, for example: pip install awscli"
  need_tool mktemp "install it, for example: apt-get install coreutils"
  scratch=$(mktemp -d) || die "There is no room for a temporary folder." "free some, or set TMPDIR to a folder that can be written to"
}

# limited SECONDS COMMAND...: ends it after so long, with the exit code 124. In the foreground, so that
# Ctrl-C reaches it. A Mac as it comes has no timeout: there only aws's own limits hold.
limited() {
  local seconds=$1 code=0
  shift
  if timeout --foreground --version >/dev/null 2>&1; then
    set -- timeout --foreground --kill-after=5 "$seconds" "$@"
  fi
  "$@" 9>&- || code=$?
  # One that catches Ctrl-C itself ends like this.
  [[ $code != 130 ]] || interrupted_by 130
  [[ $code != 137 ]] || code=124
  return "$code"
}

# Says that a command would run, in a form that can be pasted.
show_command() {
  local word line=''
  for word in "$@"; do
    [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word="'${word//\'/\'\\\'\'}'"
    line+="${line:+ }$word"
  done
  printf '%s\n' "$line"
}

# explain ERROR REGION: a failed call of aws in one sentence, and the end.
explain() {
  local text
  text=$(printf '%s' "$1" | tr '\n' ' ' | sed 's/  */ /g; s/^ //')
  case $text in
    *'locate credentials'* | *ExpiredToken* | *InvalidClientTokenId* | *AuthFailure* | *SignatureDoesNotMatch* | \
      *'Token has expired'* | *UnrecognizedClient* | *'config profile'* | *InvalidAccessKeyId*)
      die "AWS does not accept your credentials: ${text}" \
        "run aws configure (or aws sso login), then aws sts get-caller-identity" ;;
    'no answer to aws'* | *'timeout on endpoint'*)
      die "AWS does not answer in $2: ${text}." "check the network and its proxy, then run this again" ;;
    *'Could not connect to the endpoint'* | *'Invalid endpoint'* | *OptInRequired* | *'Could not resolve'*)
      die "Region $2 cannot be reached: ${text}" \
        "check its name, that it is enabled for the account, and the network" ;;
    *AccessDenied* | *UnauthorizedOperation* | *'not authorized'*)
      die "Your account's user may not do this in $2: ${text}" "ask for the rights named there" ;;
    *) die "AWS refused in $2: ${text}" "cure what it names, then run this again" ;;
  esac
}

# call_aws REGION AWS_ARGUMENT... → $answer, or $refused, what aws says instead. Into files: something that a
# hanging aws has started would hold a pipe open.
call_aws() {
  local region=$1 code=0
  shift
  limited "$call_seconds" aws "$@" --region "$region" --output text --cli-connect-timeout 10 \
    --cli-read-timeout 30 >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
  answer=$(<"$scratch/out") refused=$(<"$scratch/err")
  [[ $code != 124 ]] || refused="no answer to aws $1 $2 within $call_seconds seconds"
  return "$code"
}

# Whether the last call failed in a way that may be over in a moment.
is_passing() {
  case $refused in
    'no answer to aws'* | *'Could not connect'* | *'Could not resolve'* | *'timeout on endpoint'* | *'Connection '* | \
      *Throttling* | *'Rate exceeded'* | *ServiceUnavailable* | *InternalFailure*) ;;
    *) return 1 ;;
  esac
}

# ask REGION AWS_ARGUMENT...: a call that changes nothing; what it answers is in $answer. Returns 1 when
# the thing asked for does not exist, and with patient=1 2 when another try may succeed; every other error
# ends the script.
patient=''
ask() {
  if call_aws "$@"; then
    [[ $answer != None ]] || answer=''
    return
  fi
  answer=''
  case $refused in
    *'does not exist'* | *NotFoundException* | *ClusterNotFound* | *'not found'*) return 1 ;;
  esac
  if [[ $patient ]] && is_passing; then return 2; fi
  explain "$refused" "$1"
}

# change REGION AWS_ARGUMENT...: a call that changes something, or its text in a dry run. Returns 1 when
# there was nothing to change.
change() {
  if [[ $dry_run ]]; then
    show_command aws "${@:2}" --region "$1"
    return
  fi
  if ! call_aws "$@"; then
    # After a refusal nothing is under way; without an answer it may be.
    is_passing || under_way=''
    case $refused in
      *'No updates are to be performed'*) return 1 ;;
    esac
    explain "$refused" "$1"
  fi
}

# need_account REGION...: credentials that AWS accepts, and regions that exist.
need_account() {
  local region
  [[ ! $dry_run ]] || return 0
  ask "$1" sts get-caller-identity --query Account ||
    die "AWS does not know who you are." "run aws configure, then aws sts get-caller-identity"
  for region in "$@"; do
    ask "$region" ec2 describe-availability-zones --query 'AvailabilityZones[].ZoneName' || answer=''
    [[ -n $answer ]] || die "Region $region has no availability zones for this account." \
      "check the region's name; aws ec2 describe-regions lists those that are enabled"
  done
}

# stack_status REGION STACK → $status: NONE, or what AWS says, or with patient=1 UNKNOWN.
stack_status() {
  local code=0
  ask "$1" cloudformation describe-stacks --stack-name "$2" --query 'Stacks[0].StackStatus' || code=$?
  case $code in
    0) status=$answer ;;
    1) status=NONE ;;
    *) status=UNKNOWN ;;
  esac
}

# stack_output REGION STACK OUTPUT → $answer
stack_output() {
  if [[ $dry_run ]]; then
    answer="OUTPUT-$3-OF-$2-IN-$1"
    return
  fi
  ask "$1" cloudformation describe-stacks --stack-name "$2" \
    --query "Stacks[0].Outputs[?OutputKey=='$3'].OutputValue | [0]" || answer=''
  [[ -n $answer ]] || die "Stack $2 in $1 does not exist or has no output $3." \
    "create or update it with this project's template: scripts/install.sh"
}

# why_stack_failed REGION STACK → $why: the first failure of its last change, as AWS tells it.
why_stack_failed() {
  if call_aws "$1" cloudformation describe-stack-events --stack-name "$2" --query \
    "StackEvents[?contains(ResourceStatus, 'FAILED') && ResourceStatusReason != null && !contains(ResourceStatusReason, 'cancelled')] | [-1].[LogicalResourceId, ResourceStatusReason]"; then
    why=$(tr '\t\n' '  ' <<<"$answer")
    why=${why% }
  else
    why="the reasons could not be read"
  fi
}

# wait_for_stack REGION STACK GOOD_STATUS: until it has it, has another that is final, or time is up.
wait_for_stack() {
  local began=$SECONDS said='' why patient=1
  if [[ $dry_run ]]; then
    case $3 in
      CREATE_COMPLETE) set -- "$@" stack-create-complete ;;
      UPDATE_COMPLETE) set -- "$@" stack-update-complete ;;
      *) set -- "$@" stack-delete-complete ;;
    esac
    show_command aws cloudformation wait "$4" --stack-name "$2" --region "$1"
    return
  fi
  while true; do
    stack_status "$1" "$2"
    if [[ $status == "$3" || ($3 == DELETE_COMPLETE && $status == NONE) ]]; then return; fi
    case $status in
      UPDATE_COMPLETE_CLEANUP_IN_PROGRESS) [[ $3 != UPDATE_COMPLETE ]] || return 0 ;;
      *_IN_PROGRESS | UNKNOWN) ;;
      *)
        under_way="stack $2 in $1 ($status)"
        why_stack_failed "$1" "$2"
        die "Stack $2 in $1 ended as $status instead of $3${why:+: $why}." \
          "aws cloudformation describe-stack-events --stack-name $2 --region $1 tells all; then $(cure "$1" "$2" "$status")"
        ;;
    esac
    if [[ $((SECONDS - began)) -ge $((wait_minutes * 60)) ]]; then
      [[ $status != UNKNOWN ]] || explain "$refused" "$1"
      die "Stack $2 in $1 is still $status after $wait_minutes minutes." \
        "look at it with aws cloudformation describe-stack-events --stack-name $2 --region $1; AWS goes on with it, and this script can be run again when it has ended"
    fi
    if [[ $status == UNKNOWN ]]; then
      [[ $said == "$status" ]] || say "  $2 in $1: AWS does not answer; trying again"
    else
      [[ $said == "$status" ]] || say "  $2 in $1: $status"
    fi
    said=$status
    sleep "$poll_seconds"
  done
}

# cure REGION STACK STATUS: how to get out of a final status.
cure() {
  case $3 in
    UPDATE_ROLLBACK_FAILED)
      printf 'aws cloudformation continue-update-rollback --stack-name %s --region %s' "$2" "$1" ;;
    UPDATE_* | *CREATE_COMPLETE | IMPORT_*) printf 'cure what it names and run this again' ;;
    *) printf 'aws cloudformation delete-stack --stack-name %s --region %s, and run this again' "$2" "$1" ;;
  esac
}

# Names of the parameters of a template of ours.
template_parameters() {
  awk '/^[A-Z]/ { inside = /^Parameters:/ } inside && /^  [A-Za-z0-9]+:/ { sub(/:.*/, ""); print $1 }' "$1"
}

parameter_of() {  # parameter_of KEY=VALUE
  # Commas would separate the values of a list.
  printf 'ParameterKey=%s,ParameterValue="%s"' "${1%%=*}" "${1#*=}"
}

# put_stack REGION STACK TEMPLATE KEY=VALUE...: creates the stack, or updates it so that parameters which
# are not named stay as they are, and waits. ?KEY=VALUE is for a stack that is made only. With must_exist=1
# a stack that is not there is an error.
must_exist=''
put_stack() {
  local region=$1 stack=$2 template=$TEMPLATES/$3 verb=create parameters=() named=' ' pair key known
  shift 3
  if [[ $dry_run ]]; then
    status=${must_exist:+UPDATE_COMPLETE}
  else
    stack_status "$region" "$stack"
  fi
  case $status in
    NONE | '')
      [[ ! $must_exist ]] || die "Stack $stack does not exist in $region." \
        "create it with scripts/install.sh, or name another region"
      ;;
    CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE | IMPORT_COMPLETE) verb=update ;;
    *_IN_PROGRESS) die "Stack $stack in $region is being changed just now ($status)." \
      "wait until aws cloudformation describe-stacks --stack-name $stack --region $region says that it is complete" ;;
    *) die "Stack $stack in $region is $status." "$(cure "$region" "$stack" "$status")" ;;
  esac
  for pair in "$@"; do
    [[ $verb == create || $pair != \?* ]] || continue
    pair=${pair#\?}
    parameters+=("$(parameter_of "$pair")")
    named+="${pair%%=*} "
  done
  if [[ $verb == update ]]; then
    known=$(template_parameters "$template")
    if [[ ! $dry_run ]]; then
      ask "$region" cloudformation describe-stacks --stack-name "$stack" \
        --query 'Stacks[0].Parameters[].ParameterKey'
      known=$(printf '%s\n' "$known" | grep -Fx -f <(tr '\t' '\n' <<<"$answer") || true)
    fi
    for key in $known; do
      [[ $named == *" $key "* ]] || parameters+=("ParameterKey=$key,UsePreviousValue=true")
    done
  fi
  set -- cloudformation "$verb-stack" --stack-name "$stack" --template-body "file://$template" \
    --capabilities CAPABILITY_IAM
  [[ ${#parameters[@]} -eq 0 ]] || set -- "$@" --parameters "${parameters[@]}"
  under_way="stack $stack in $region (being ${verb}d)"
  if ! change "$region" "$@"; then
    say "$stack in $region: nothing to change"
    return 0
  fi
  if [[ $verb == create ]]; then
    wait_for_stack "$region" "$stack" CREATE_COMPLETE
  else
    wait_for_stack "$region" "$stack" UPDATE_COMPLETE
  fi
  under_way=''
  made+=("stack $stack in $region")
  [[ $dry_run ]] || say "$stack in $region: ${verb}d"
}

# stack_parameter REGION STACK KEY → $answer
stack_parameter() {
  ask "$1" cloudformation describe-stacks --stack-name "$2" \
    --query "Stacks[0].Parameters[?ParameterKey=='$3'].ParameterValue | [0]" || answer=''
}

# A schedule, or somebody by hand, may have changed the number of tasks without the stack; an update leaves
# a service alone whose own part of the stack stays the same.
# ensure_count REGION STACK OUTPUT_OF_SERVICE PARAMETER_WITH_THE_NUMBER
ensure_count() {
  local cluster service wanted found
  [[ ! $dry_run ]] || return 0
  stack_output "$1" "$2" ClusterName
  cluster=$answer
  stack_output "$1" "$2" "$3"
  service=$answer
  stack_parameter "$1" "$2" "$4"
  wanted=$answer
  ask "$1" ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].desiredCount' ||
    answer=''
  found=$answer
  if [[ $found != "$wanted" ]]; then
    change "$1" ecs update-service --cluster "$cluster" --service "$service" --desired-count "$wanted"
    made+=("$service in $1 with $wanted tasks")
    say "$service in $1: from ${found:-no} to $wanted tasks"
  fi
}

# The master before the workers, which look for it.
ensure_tests() {  # ensure_tests REGION
  ensure_count "$1" "$TESTS_STACK" MasterServiceName MasterTaskCount
  ensure_count "$1" "$TESTS_STACK" WorkerServiceName TaskCount
}

# delete_stack REGION STACK: and waits; one that is not there is no error.
delete_stack() {
  if [[ ! $dry_run ]]; then
    stack_status "$1" "$2"
    if [[ $status == NONE ]]; then
      say "$2 in $1: not there"
      return
    fi
  fi
  under_way="stack $2 in $1 (being deleted)"
  change "$1" cloudformation delete-stack --stack-name "$2"
  wait_for_stack "$1" "$2" DELETE_COMPLETE
  under_way=''
  [[ $dry_run ]] || say "$2 in $1: deleted"
  made+=("deleted stack $2 in $1")
}

# update_application NUMBER ARGUMENT...: the whole of update_ecs_region1.sh and update_ecs_region2.sh.
update_application() {
  local number=$1 variable=APP_REGION$1 count task_cpu='' task_memory='' image='' region
  region=${!variable:-}
  shift
  usage() {
    cat <<TEXT
usage: scripts/update_ecs_region$number.sh [OPTION...] [N]

Sets the application of region $number to N tasks (default 1); everything else of its stack stays.

  --region REGION       default: the environment's $variable
  --image IMAGE:TAG     another image
  --task-cpu N --task-memory MB   another size of the tasks, such as 1024 (one vCPU) and 2048
  --wait-minutes N      limit for the wait (default $wait_minutes)
  --dry-run             print the commands, call nothing
TEXT
  }
  read_options "--region region --image image --task-cpu task_cpu --task-memory task_memory" "$@"
  need_count tasks
  need_size task "$task_cpu" "$task_memory"
  need_region "the application" "$region" "$variable"
  [[ -z $image ]] || need_image "the application" "$image"
  need_aws
  need_account "$region"
  must_exist=1
  put_stack "$region" "$ECS_STACK" ecs.yml "TaskCount=$count" ${image:+"Image=$image"} \
    ${task_cpu:+"TaskCpu=$task_cpu" "TaskMemory=$task_memory"}
  ensure_count "$region" "$ECS_STACK" ServiceName TaskCount
  [[ $dry_run ]] || say "The application in $region has $count task(s) wanted."
}
