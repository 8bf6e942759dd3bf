#!/usr/bin/env bash
# Deletes everything that install.sh made, in the order that AWS accepts, and waits for each.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"

yes='' repositories=''

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

read_options "--yes yes=1 --with-repositories repositories=1" "$@"
need_three_regions
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
  made+=("deleted repository $2 in $1")
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
