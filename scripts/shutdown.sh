#!/usr/bin/env bash
# Deletes everything that install.sh made, in the order that AWS accepts, and waits for each.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

yes='' repositories='' regions=()

usage() {
  cat <<END_OF_TEXT
usage: scripts/shutdown.sh [OPTION...] [REGION1 REGION2 TESTS_REGION]

Deletes the stacks of the load test, of the application in both regions, of their names, and at last
the networks. The regions default to the environment's APP_REGION1, APP_REGION2 and TESTS_REGION.
What is not there is passed over, so it can be run again after a failure.

  --yes                 do not ask
  --with-repositories   the image repositories djangoscaling and djangoscalingtests too, with all images
  --wait-minutes N      limit for each wait (default $wait_minutes)
  --dry-run             print the commands, call nothing
END_OF_TEXT
}

while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=1 ;;
    --yes) yes=1 ;;
    --with-repositories) repositories=1 ;;
    --wait-minutes) need_value "$1" $# && wait_minutes=$2 && shift ;;
    -*) die "Unknown option $1." "see ${0##*/} --help" ;;
    *) regions+=("$1") ;;
  esac
  shift
done
[[ ${#regions[@]} -eq 0 || ${#regions[@]} -eq 3 ]] ||
  die "There are three regions or none, not ${#regions[@]}." "see ${0##*/} --help"
region1=${regions[0]:-${APP_REGION1:-}} region2=${regions[1]:-${APP_REGION2:-}}
tests_region=${regions[2]:-${TESTS_REGION:-}}
need_number --wait-minutes "$wait_minutes" 1 1440
need_region "the application" "$region1" APP_REGION1
need_region "the application's second region" "$region2" APP_REGION2
need_region "the load test" "$tests_region" TESTS_REGION
need_aws
if [[ ! $dry_run && ! $yes ]]; then
  [[ -t 0 ]] || die "Nobody is there to be asked." "add --yes to delete without a question, or --dry-run to see"
  read -r -p "Delete the application in $region1 and $region2 and the load test in $tests_region? [y/N] " reply
  [[ $reply == [yY]* ]] || die "Nothing was deleted." "answer y, or add --yes"
fi
need_account "$region1" "$region2" "$tests_region"

delete_repository() {  # delete_repository REGION NAME
  if [[ ! $dry_run ]] && ! ask "$1" ecr describe-repositories --repository-names "$2" --query 'repositories[0].repositoryUri'; then
    say "repository $2 in $1: not there"
    return
  fi
  change "$1" ecr delete-repository --repository-name "$2" --force
  [[ $dry_run ]] || say "repository $2 in $1: deleted"
}

# A stack whose exports another uses cannot be deleted, so: tests, application, network.
delete_stack "$region1" "$DNS_STACK"
delete_stack "$tests_region" "$TESTS_STACK"
seen=' '
for region in "$region1" "$region2"; do
  [[ $seen == *" $region "* ]] || delete_stack "$region" "$ECS_STACK"
  seen+="$region "
done
seen=' '
for region in "$tests_region" "$region1" "$region2"; do
  [[ $seen == *" $region "* ]] || delete_stack "$region" "$VPC_STACK"
  seen+="$region "
done
if [[ $repositories ]]; then
  delete_repository "$region1" djangoscaling
  [[ $region2 == "$region1" ]] || delete_repository "$region2" djangoscaling
  delete_repository "$tests_region" djangoscalingtests
fi
[[ $dry_run ]] || say "Everything is deleted."
